/* rncl sweep, rncl train --lr-find and --batch-size auto, as users run them, on any device
 * ($RNCL_TEST_DEVICE). */
#include <signal.h>
#include <time.h>

#include "program.h"

#define SMALL                                                                                                \
    "--arch cifar-resnet --depth 8 --image 8 --batch-size 8 --workers 1 --self-test=off --spot-checks 0"

static void a_sweep_trains_each_combination_once(void **unused)
{
    (void)unused;
    run("sweep --lr 0.1,0.01 --seed=1,2 --out grid -- " SMALL " --steps 2");
    expect_status(0);
    assert_non_null(strstr(result.errors, "run 4 of 4: lr 0.01, seed 2"));
    shell("test $(wc -l <grid/sweep.csv) = 5 && test $(ls -d grid/lr-* | wc -l) = 4");
    shell("grep -qx 'lr = 0.01' grid/lr-0.01_seed-2/config.ini && grep -qx 'seed = 2' "
          "grid/lr-0.01_seed-2/config.ini");
    shell("cp -r grid before");
    run("sweep --lr 0.1,0.01,1e20 --seed 1,2 --out grid --json -- " SMALL " --steps 2");
    expect_status(0);
    assert_null(strstr(result.errors, "run 4 of 6"));
    assert_non_null(strstr(result.errors, "run 5 of 6: lr 1e20, seed 1"));
    shell(
        "diff -r grid/lr-0.1_seed-1 before/lr-0.1_seed-1 && head -5 grid/sweep.csv | cmp - before/sweep.csv");

    json_t *document = expect_json(), *runs = json_object_get(document, "runs");
    double best = 100;
    assert_int_equal(json_array_size(runs), 6);
    for (size_t i = 0; i < 4; i++) {
        const double top1 = json_number_value(json_object_get(json_array_get(runs, i), "best_top1"));
        assert_true(top1 <= best);
        best = top1;
    }
    const json_t *last = json_array_get(runs, 5);
    assert_true(json_is_true(json_object_get(last, "diverged")));
    assert_true(json_is_null(json_object_get(last, "best_top1")));
    json_decref(document);
}

static void a_sweep_does_not_run_once_for_each_rank(void **unused)
{
    (void)unused;
    setenv("PMI_RANK", "1", 1);
    run("sweep --lr 0.1,0.01 --out ranks -- " SMALL " --steps 2");
    unsetenv("PMI_RANK");
    expect_failure(2, "without mpirun");
    shell("test ! -e ranks");
}

/* The first run is stopped, and the second never begins; the command goes on with the first. */
static void an_interrupted_sweep_stops_and_goes_on(void **unused)
{
    (void)unused;
    char command[512], text[4096];
    snprintf(command, sizeof command,
             "cd %s && exec " RNCL_BINARY " sweep --lr 0.1,0.05 --out cut -- " SMALL
             " --steps 1000000 --eval-every 100000 2>errors",
             program_folder);
    const pid_t child = fork();
    if (child == 0) {
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    snprintf(text, sizeof text, "test 0$(wc -l 2>&1 <%s/cut/lr-0.1/steps.csv | grep -x '[0-9]*') -gt 2",
             program_folder);
    int status;
    while (system(text) != 0) {
        assert_int_equal(waitpid(child, NULL, WNOHANG), 0); /* it ended by itself */
        nanosleep(&(struct timespec){0, 20000000L}, NULL);
    }
    kill(child, SIGINT);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 130);
    read_text("errors", text, sizeof text);
    assert_non_null(strstr(text, "interrupted in run 1 of 2, and saved; the same command goes on"));
    shell("test ! -e cut/lr-0.05 && test ! -e cut/sweep.csv");
    shell("n=$(($(wc -l <cut/lr-0.1/steps.csv) + 1)); "
          "sed -i \"s/^steps = .*/steps = $n/\" cut/lr-0.1/config.ini; echo $n >steps");
    run("sweep --lr 0.1 --out cut -- " SMALL " --steps 1000000 --eval-every 100000");
    expect_status(0);
    assert_non_null(strstr(result.errors, "resumed after step"));
    shell("grep -q \"^lr-0.1,done,$(cat steps),\" cut/sweep.csv");
}

static void its_options_come_before_those_of_training(void **unused)
{
    (void)unused;
    run("sweep --help");
    expect_status(0);
    assert_non_null(strstr(result.output, "usage: rncl sweep [options] -- TRAIN-OPTIONS..."));
    shell("mkdir man");
    run("man-pages man");
    expect_status(0);
    shell("grep -A2 '^.B rncl sweep' man/rncl-sweep.1 | tr '\\n' ' ' | grep -q 'sweep .options. .I'");
}

static void mistakes_come_before_the_first_run(void **unused)
{
    (void)unused;
    static const struct {
        const char *arguments, *message;
    } mistakes[] = {
        {"-- --lr 1", "needs something to vary"},
        {"--lr 0.1,nonsense", "not a number"},
        {"--lr 0.1,0.1", "0.1 is there twice"},
        {"--lr 0.1 --lr 0.2", "--lr is there twice"},
        {"--lr 0.1,", "a value is empty"},
        {"--lr 0.1 -- --nonsense", "unknown option --nonsense"},
        {"--lr 0.1 -- --resume elsewhere", "not --resume"},
        {"--lr 0.1 -- --lr 0.2", "before --"},
        {"--lr 0.1 -- --out=x", "before --"},
        {"--lr 1 --momentum 0 --seed 1 --ema 0 --depth 8", "up to 4 options"},
    };
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        run("sweep --out none %s", mistakes[i].arguments);
        expect_failure(2, mistakes[i].message);
        shell("test ! -e none");
    }
    run("sweep --lr 0.1 --out grid -- --depth 20");
    expect_failure(2, "other options behind --");
    shell("mkdir bare && touch bare/sweep.txt");
    run("sweep --lr 0.1 --out bare -- --depth 20");
    expect_failure(2, "other options behind --");
    run("sweep --lr 0.1 --out grid/lr-0.1_seed-1");
    expect_failure(2, "is a run");
    shell("mkdir other && echo text >other/sweep.csv");
    run("sweep --lr 0.1 --out other -- --depth 20");
    expect_failure(4, "not the file of a sweep");
}

/* It would pass for a run that is done. */
static void a_damaged_row_is_named(void **unused)
{
    (void)unused;
    static const char *const edits[] = {"s/,done,/,dne,/", "s/$/,1/", "s/,[^,]*$//", "s/,[^,]*$/,1e3/",
                                        "s/,[^,]*$/,x/"};
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        shell("rm -rf damaged && cp -r grid damaged && sed -i '3%s' damaged/sweep.csv", edits[i]);
        run("sweep --lr 0.1,0.05 --seed 1,2 --out damaged -- " SMALL " --steps 2");
        expect_failure(4, "damaged/sweep.csv:3: this row is damaged");
    }
}

static void a_search_for_a_rate_writes_a_table_and_no_run(void **unused)
{
    (void)unused;
    run("train --lr-find --json --out found " SMALL " --steps 10");
    expect_status(0);
    json_t *document = expect_json();
    const size_t count = json_array_size(json_object_get(document, "lr"));
    assert_true(count >= 5 && count <= 10);
    assert_int_equal(json_array_size(json_object_get(document, "loss")), count);
    assert_string_equal(json_string_value(json_object_get(document, "table")), "found/lr-find.csv");
    json_decref(document);
    shell("test $(wc -l <found/lr-find.csv) = %zu && test ! -e found/config.ini && test ! -e runs",
          count + 1);
    run("train --out found " SMALL " --steps 1");
    expect_status(0);
    run("train --lr-find " SMALL " --steps 10");
    expect_status(0);
    shell("test -s lr-find.csv");
    assert_non_null(strstr(result.output, "suggestion"));
}

/* Which one it is depends on the device; the rate goes with it, and a run goes on with it. */
static void a_measured_batch_stays_that_of_the_run(void **unused)
{
    (void)unused;
    run("train --arch cifar-resnet --depth 8 --image 8 --self-test=off --steps 2 --eval-every 100 "
        "--batch-size auto "
        "--out auto");
    expect_status(0);
    assert_non_null(strstr(result.errors, "is the largest that pays (images/s: 8: "));
    shell("b=$(sed -n 's/^batch-size = //p' auto/config.ini) && test $b -ge 8 && test $b -le 256 && "
          "test $(awk -v b=$b -F' = ' '$1 == \"lr\" { print ($2 == 0.1 * b / 256) }' auto/config.ini) = 1");
    run("train --resume auto --steps 3");
    expect_status(0);
    assert_null(strstr(result.errors, "that pays"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sweep_trains_each_combination_once),
        cmocka_unit_test(a_sweep_does_not_run_once_for_each_rank),
        cmocka_unit_test(an_interrupted_sweep_stops_and_goes_on),
        cmocka_unit_test(a_measured_batch_stays_that_of_the_run),
        cmocka_unit_test(its_options_come_before_those_of_training),
        cmocka_unit_test(mistakes_come_before_the_first_run),
        cmocka_unit_test(a_damaged_row_is_named),
        cmocka_unit_test(a_search_for_a_rate_writes_a_table_and_no_run),
    };
    return cmocka_run_group_tests(tests, create_folder, remove_folder);
}
