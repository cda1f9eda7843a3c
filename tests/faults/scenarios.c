/* The runs in which faults are caused. */
#include "scenario.h"

#include "util.h"

#define TRAIN PLACE_TRAIN " --steps 9"
#define RUN_FILES "out/model.safetensors", "out/best.safetensors", "out/steps.csv"
#define HALF "../data/half/model.safetensors"
#define SWEEP                                                                                                \
    "sweep --lr 0.1,0.2 --out out -- " PLACE_NETWORK                                                         \
    " --data ../data/idx --workers 1 --steps 3 --checkpoint-every 2"
#define SWEEP_FILES "out/lr-0.1/model.safetensors", "out/lr-0.2/best.safetensors", "out/lr-0.2/steps.csv"

/* The scenario `rank` trains as the only rank of a job: Open MPI takes a process that nobody has launched for
 * that, and rncl looks at the variable. */
const scenario scenarios[] = {
    {.name = "train",
     .arguments = TRAIN " --out out",
     .results = {RUN_FILES},
     .resume = "train --resume out"},
    {.name = "resume",
     .prepare = "cp -r ../data/half out",
     .arguments = "train --resume out --steps 9",
     .results = {RUN_FILES},
     .resume = "train --resume out --steps 9",
     .files = {"out/last.ckpt", "out/config.ini", "out/metrics.csv", "out/steps.csv"}},
    {.name = "eval", .arguments = "eval --model " HALF " --data ../data/idx --json", .results = {"output"}},
    {.name = "predict",
     .arguments = "predict --model " HALF " ../data/a.png ../data/b.png --json",
     .results = {"output"}},
    {.name = "folder",
     .arguments = "eval --model " HALF " --data ../data/folder --json",
     .results = {"output"}},
    {.name = "check-data", .arguments = "check-data ../data/idx --json", .results = {"output"}},
    {.name = "model",
     .prepare = "cp " HALF " .",
     .arguments = "eval --model model.safetensors --data ../data/idx --json",
     .results = {"output"},
     .files = {"model.safetensors"}},
    {.name = "picture",
     .prepare = "cp ../data/a.png .",
     .arguments = "predict --model " HALF " a.png --json",
     .results = {"output"},
     .files = {"a.png"}},
    {.name = "idx",
     .prepare = "cp -r ../data/idx .",
     .arguments = "check-data idx",
     .files = {"idx/train-images-idx3-ubyte", "idx/t10k-labels-idx1-ubyte"}},
    {.name = "devices", .arguments = "devices --json", .results = {"output"}},
    {.name = "info", .arguments = "info " PLACE_SHAPE " --json", .results = {"output"}},
    {.name = "bench", .arguments = "bench " PLACE_NETWORK " --steps 1 --json"},
    {.name = "tune", .arguments = "tune " PLACE_NETWORK " --budget 1 --json"},
    {.name = "check", .arguments = "check --operation softmax --shapes 1"},
    {.name = "doctor", .arguments = "doctor", .output_says_why = true},
    {.name = "kernels",
     .arguments = "kernels " PLACE_NETWORK " --out programs",
     .results = {"programs/manifest.json", "programs/Makefile"}},
    {.name = "export",
     .prepare = "mkdir out",
     .arguments = "export --model " HALF " --onnx out/m.onnx",
     .results = {"out/m.onnx"}},
    {.name = "module",
     .prepare = "mkdir out",
     .arguments = "export --model " HALF " --torch-script-free out/m.py",
     .results = {"out/m.py"}},
    {.name = "plot",
     .prepare = "mkdir out",
     .arguments = "plot ../data/half --out out/p.svg",
     .results = {"out/p.svg"}},
    {.name = "watch", .arguments = "watch ../data/half", .results = {"output"}},
    {.name = "report",
     .prepare = "mkdir out",
     .arguments = "report ../data/half --out out/r.html",
     .results = {"out/r.html"}},
    {.name = "sweep", .arguments = SWEEP, .results = {SWEEP_FILES}, .resume = SWEEP},
    {.name = "lr-find",
     .arguments = "train " PLACE_NETWORK " --data ../data/idx --workers 1 --lr-find --steps 10 --out out",
     .results = {"out/lr-find.csv", "out/lr-find.png"}},
    {.name = "tensorboard",
     .arguments = TRAIN " --tensorboard=on --out out",
     .results = {RUN_FILES},
     .resume = "train --resume out"},
    {.name = "bf16",
     .arguments = TRAIN " --precision bf16 --out out",
     .results = {RUN_FILES},
     .resume = "train --resume out"},
    {.name = "rank",
     .environment = "OMPI_COMM_WORLD_SIZE=1 OMPI_MCA_ess_singleton_isolated=1",
     .arguments = TRAIN " --out out",
     .results = {RUN_FILES},
     .resume = "train --resume out"},
};
const unsigned scenario_count = COUNT(scenarios);
_Static_assert(COUNT(scenarios) <= MOST_SCENARIOS, "more room for them");
