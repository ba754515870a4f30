"""moto_corrected.py ARGS : moto's server with its answers about CodeBuild and CodePipeline corrected where they differ from
AWS in a way that keeps the provider from talking to it at all. Only the tier that applies the module cicd uses it.

- CodeBuild: a project whose source or artefacts are CODEPIPELINE has no location; moto demands one.
- CodePipeline: GetPipeline's times are seconds since 1970 (JSON 1.1); moto sends text, which no SDK for Go reads.
"""
import sys

import moto.codebuild.responses as codebuild
import moto.codepipeline.models as codepipeline
from moto.server import main

for name in ("_validate_required_params_source", "_validate_required_params_artifacts"):
    def without_location(given, checked=getattr(codebuild, name)):
        checked(given if given.get("type") != "CODEPIPELINE" else {**given, "location": "by CodePipeline"})
    setattr(codebuild, name, without_location)

told = codepipeline.CodePipeline.metadata
codepipeline.CodePipeline.metadata = property(lambda p: {**told.fget(p), "created": p._created.timestamp(), "updated": p._updated.timestamp()})

main(sys.argv[1:])
