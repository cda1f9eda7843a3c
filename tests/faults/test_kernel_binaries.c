/* Programs that are compiled ahead of time: written by a device that has a compiler, and used where there is
 * none and every build from source fails. */
#include "program.h"

#define NETWORK "--arch cifar-resnet --depth 8 --image 8 --batch-size 4 "
#define TRAIN "train " NETWORK "--steps 3 --workers 1 --lr 0.01 "
#define BENCH "bench " NETWORK "--steps 1 "

/* Neither rncl's cache nor a compiler. */
static char no_compiler[512];

static int write_kernels(void **state)
{
    if (create_folder(state))
        return -1;
    setenv("RNCL_TUNING_DIR", "none", 1); /* results of another driver would be warned of */
    snprintf(no_compiler, sizeof no_compiler,
             "LD_PRELOAD=%s RNCL_FAULT_DEVICE=compiler=0 XDG_CACHE_HOME=$PWD/cache " POCL_CACHE, FAULT_LAYER);
    run("kernels " NETWORK "--out kernels");
    return result.exit_status;
}

static void without_a_compiler_a_run_says_what_to_do(void **state)
{
    (void)state;
    run_in(no_compiler, BENCH);
    expect_failure(1, "--kernel-binaries");
}

static void training_from_binaries_gives_the_same_bytes(void **state)
{
    (void)state;
    run(TRAIN "--out compiled");
    expect_status(0);
    run_in(no_compiler, TRAIN "--kernel-binaries kernels --out loaded");
    expect_status(0);
    shell(
        "cmp compiled/steps.csv loaded/steps.csv && cmp compiled/model.safetensors loaded/model.safetensors");
    shell("ls cache/rncl | grep -q tested"); /* the self-test has run, from binaries too */
}

/* Evaluations have programs of their own. */
static void evaluating_from_binaries_gives_the_same(void **state)
{
    (void)state;
    run("eval --model compiled --batch-size 4 --json");
    expect_status(0);
    shell("grep -v second output >compiled.json");
    run_in(no_compiler, "eval --model compiled --batch-size 4 --json --kernel-binaries kernels");
    expect_status(0);
    shell("grep -v second output >loaded.json");
    shell("test -s loaded.json && cmp compiled.json loaded.json");
}

static void the_environment_names_the_folder_too(void **state)
{
    (void)state;
    char environment[600];
    snprintf(environment, sizeof environment, "RNCL_KERNEL_BINARIES=kernels %s", no_compiler);
    run_in(environment, BENCH);
    expect_status(0);
    run_in(environment, BENCH "--explain");
    expect_failure(2, "--explain");
}

/* Tuning results that are shipped for the real device do not belong to the accelerator. Training needs one
 * program, and gives the same bytes as its kernels do elsewhere. */
static void an_accelerator_needs_one_program(void **state)
{
    (void)state;
    char with_compiler[256], environment[600];
    snprintf(with_compiler, sizeof with_compiler,
             "LD_PRELOAD=%s RNCL_FAULT_DEVICE=type=8 RNCL_TUNING_DIR=none", FAULT_LAYER);
    run_in(with_compiler, "kernels " NETWORK "--out board");
    expect_status(0);
    shell("test $(ls board/*.bin | wc -l) = 1");
    snprintf(environment, sizeof environment, "%s RNCL_FAULT_DEVICE=type=8,compiler=0 RNCL_TUNING_DIR=none",
             no_compiler);
    run_in(environment, TRAIN "--ema 0.9 --mixup 0.2 --kernel-binaries board --out board-run");
    expect_status(0);
    run(TRAIN "--ema 0.9 --mixup 0.2 --algorithm single --out single-run");
    expect_status(0);
    shell("cmp board-run/steps.csv single-run/steps.csv && cmp board-run/model.safetensors "
          "single-run/model.safetensors");
    run_in(environment, "check --operation batchnorm --shapes 1 --algorithm single --kernel-binaries board");
    expect_status(0);
}

/* Every network has the same program. */
static void an_accelerator_needs_it_for_all_networks(void **state)
{
    (void)state;
    char environment[256];
    snprintf(environment, sizeof environment,
             "LD_PRELOAD=%s RNCL_FAULT_DEVICE=type=8,compiler=0 RNCL_TUNING_DIR=none", FAULT_LAYER);
    run_in(environment, "kernels --depth 18 --image 64 --batch-size 2 --out resnet");
    expect_status(0);
    shell("test $(ls resnet/*.cl | wc -l) = 1 && cmp resnet/*.cl board/*.cl");
}

/* Without a compiler the same sources are written, and nothing is built. */
static void sources_are_the_same_without_a_compiler(void **state)
{
    (void)state;
    run_in(no_compiler, "kernels " NETWORK "--out sources --json");
    expect_status(0);
    json_t *document = expect_json();
    assert_true(json_is_false(json_object_get(document, "compiled")));
    const size_t count = json_array_size(json_object_get(document, "programs"));
    assert_true(count > 0);
    json_decref(document);
    shell("test $(ls sources/*.cl | wc -l) = %zu && ! ls sources | grep -q bin", count);
    shell("rm -rf bare && mkdir bare && cp kernels/*.cl kernels/Makefile kernels/manifest.json bare && "
          "diff -r bare sources");
}

/* poclcc is not everywhere; a stand-in hands out the driver's own binaries. */
static void make_builds_what_is_missing(void **state)
{
    (void)state;
    shell("mkdir -p tools && printf '#!/bin/sh\\ncp \"../kernels/$(basename $4)\" \"$4\"\\necho \"$2\" "
          ">>../options\\n' >tools/poclcc && chmod +x tools/poclcc");
    run_in(no_compiler, BENCH "--kernel-binaries sources");
    expect_failure(1, "is missing; build it by `make`");
    shell("PATH=$PWD/tools:$PATH make -s -C sources CLANG=true >/dev/null");
    shell("test $(wc -l <options) = $(ls sources/*.cl | wc -l) && grep -q -e -DVW= options");
    run_in(no_compiler, BENCH "--kernel-binaries sources");
    expect_status(0);
    shell("rm options && PATH=$PWD/tools:$PATH make -s -C sources CLANG=true && ! test -e options");
}

static void expect_refusal(const char *spoil, const char *part)
{
    shell("rm -rf spoiled && cp -a kernels spoiled && cd spoiled && %s", spoil);
    run_in(no_compiler, BENCH "--kernel-binaries spoiled");
    expect_failure(1, part);
}

static void what_is_wrong_with_binaries_is_said(void **state)
{
    (void)state;
    expect_refusal("rm batchnorm*.bin", "is missing");
    expect_refusal("echo 0123456789abcdef | tee *.built >/dev/null", "is stale");
    expect_refusal("rm *.built", "is stale");
    expect_refusal("for f in *.bin; do echo damaged >$f; done", "refuses it");
    expect_refusal("sed -i '/\"identity\"/s/: \".*\"/: \"0\"/' manifest.json", "has other source");
    expect_refusal(
        "sed -i '/\"program\"/s/sgd/other/' manifest.json && sed -i '/\"identity\"/s/: \".*\"/: \"0\"/' "
        "manifest.json",
        "is missing; write");
    expect_refusal("sed -i '0,/\"name\": \".*\"/s//\"name\": \"other board\"/' manifest.json",
                   "for device \"other board\"");
    expect_refusal("sed -i '/\"driver\"/s/: \".*\"/: \"0.0\"/' manifest.json", "for driver \"0.0\"");
    expect_refusal("sed -i 's/\"format\": 1/\"format\": 2/' manifest.json", "another version");
    expect_refusal("echo '{' >manifest.json", "no JSON");
    run_in(no_compiler, BENCH "--kernel-binaries nowhere");
    expect_failure(1, "nowhere/manifest.json");
    run("kernels " NETWORK);
    expect_failure(2, "--out");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_compiler_a_run_says_what_to_do),
        cmocka_unit_test(training_from_binaries_gives_the_same_bytes),
        cmocka_unit_test(evaluating_from_binaries_gives_the_same),
        cmocka_unit_test(the_environment_names_the_folder_too),
        cmocka_unit_test(an_accelerator_needs_one_program),
        cmocka_unit_test(an_accelerator_needs_it_for_all_networks),
        cmocka_unit_test(sources_are_the_same_without_a_compiler),
        cmocka_unit_test(make_builds_what_is_missing),
        cmocka_unit_test(what_is_wrong_with_binaries_is_said),
    };
    return cmocka_run_group_tests(tests, write_kernels, remove_folder);
}
