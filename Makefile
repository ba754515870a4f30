# Start with `make run` (AWS=moto adds an imitated AWS, `make lab` a cluster); `make help` lists the targets. Words for a target go in ARGS='…'.
.PHONY: help run lab build site parts test test-platform test-bare check imports queries journeys bench
help run lab build site parts test test-platform test-bare check imports queries journeys bench: ; @AWS="$(AWS)" sh xtask/run.sh $@ $(ARGS)
