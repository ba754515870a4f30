# run · test · check · bench · test-bare · queries · help: every target is a command of xtask; start with `make run` (AWS=moto adds an imitated AWS).
.PHONY: default run test check bench test-bare queries site build help
default run test check bench test-bare queries site build help: ; @AWS="$(AWS)" sh xtask/run.sh $(subst default,help,$@) $(ARGS)
