/* What trainings of several ranks do, and how they end. */
#include "ranks.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <time.h>

enum { MOST_STEPS = 64 };

/* The losses in a run's steps.csv; how many. */
static int read_losses(const char *run, double losses[MOST_STEPS])
{
    static char text[1 << 16];
    char name[128];
    int count = 0;
    snprintf(name, sizeof name, "%s/steps.csv", run);
    read_text(name, text, sizeof text);
    for (char *row = strchr(text, '\n'); row && row[1]; row = strchr(row + 1, '\n')) {
        assert_true(count < MOST_STEPS);
        losses[count++] = strtod(strchr(row + 1, ',') + 1, NULL);
    }
    return count;
}

/* The largest relative difference between the losses of two runs of as many steps. */
static double compare(const char *run, const char *other)
{
    double losses[MOST_STEPS], others[MOST_STEPS] = {0}, worst = 0;
    const int count = read_losses(run, losses);
    assert_int_equal(read_losses(other, others), count);
    assert_true(count > 0);
    for (int i = 0; i < count; i++)
        worst = fmax(worst, fabs(losses[i] - others[i]) / losses[i]);
    return worst;
}

/* What a metric's column says in the last row of a run's metrics.csv. */
static double last_metric(const char *run, int column)
{
    static char text[1 << 16];
    char name[128];
    snprintf(name, sizeof name, "%s/metrics.csv", run);
    read_text(name, text, sizeof text);
    char *end = strrchr(text, '\n');
    assert_non_null(end);
    *end = '\0';
    const char *field = strrchr(text, '\n') + 1;
    for (int i = 0; i < column; i++)
        field = strchr(field, ',') + 1;
    return strtod(field, NULL);
}

static void ranks_with_common_statistics_train_as_one_does(void **state)
{
    (void)state;
    enum { IMAGES = 2, LOSS = 6 };
    run(SMALL "--out one");
    expect_status(0);
    for (int ranks = 2; ranks <= 5; ranks++) { /* 5 have unequal shares */
        run_ranks(ranks, SMALL "--sync-bn --out sync%d", ranks);
        expect_status(0);
        char name[24];
        snprintf(name, sizeof name, "sync%d", ranks);
        assert_true(compare("one", name) < 1e-5);
        assert_true(last_metric("one", IMAGES) == last_metric(name, IMAGES));
        assert_true(fabs(last_metric("one", LOSS) - last_metric(name, LOSS)) < 1e-4);
    }
    run_ranks(2, SMALL "--out local");
    expect_status(0);
    assert_true(compare("one", "local") > 1e-4);
}

static void options_that_weigh_and_average_work_on_ranks(void **state)
{
    (void)state;
    static const char weighed[] = SMALL
        "--class-weights 1,2,3,4,5,6,7,8,9,10 --ema 0.9 --label-smoothing 0.1 --freeze conv1 --sync-bn ";
    run("%s --out weighed1", weighed);
    expect_status(0);
    run_ranks(2, "%s --out weighed2", weighed);
    expect_status(0);
    assert_true(compare("weighed1", "weighed2") < 1e-5);
}

static void two_runs_of_the_same_ranks_give_the_same_bits(void **state)
{
    (void)state;
    run_ranks(3, SMALL "--lr 0.1 --out first");
    expect_status(0);
    run_ranks(3, SMALL "--lr 0.1 --out second");
    expect_status(0);
    shell("cmp first/steps.csv second/steps.csv && cmp first/model.safetensors second/model.safetensors");
}

static void a_run_goes_on_with_as_many_ranks_to_the_same_bits(void **state)
{
    (void)state;
    run_ranks(3, SMALL "--lr 0.1 --steps 12 --out whole");
    expect_status(0);
    run_ranks(3, SMALL "--lr 0.1 --steps 5 --out parts");
    expect_status(0);
    run_ranks(3, "train --resume parts --steps 12");
    expect_status(0);
    shell("cmp whole/steps.csv parts/steps.csv && cmp whole/model.safetensors parts/model.safetensors");
}

static void a_run_goes_on_with_another_number_of_ranks(void **state)
{
    (void)state;
    static const int ranks[] = {4, 1, 3};
    run(SMALL "--schedule constant --sync-bn --out alone");
    expect_status(0);
    run_ranks(2, SMALL "--schedule constant --sync-bn --steps 5 --out changed");
    expect_status(0);
    for (int i = 0; i < 3; i++) {
        run_ranks(ranks[i], "train --resume changed --steps %d", 10 + 5 * i);
        expect_status(0);
    }
    assert_true(compare("alone", "changed") < 1e-5);
}

static void unequal_shares_train_as_one_rank_does(void **state)
{
    (void)state;
    run(SMALL "--out whole_batches");
    expect_status(0);
    run_ranks(3, SMALL "--sync-bn --shares 1,8,3 --out unequal");
    expect_status(0);
    assert_true(compare("whole_batches", "unequal") < 1e-5);
}

/* Whatever they are: the run keeps them, and the micro-batch of its largest share. */
static void measured_shares_are_those_of_the_resumed_run(void **state)
{
    (void)state;
    run_ranks(2, SMALL "--lr 0.1 --shares auto --steps 5 --out measured");
    expect_status(0);
    assert_non_null(strstr(result.errors, "images/s: "));
    shell("grep '^shares = ' measured/config.ini | grep -v auto");
    shell("cp measured/config.ini kept.ini");
    run_ranks(2, "train --config kept.ini --steps 12 --out at_once");
    expect_status(0);
    run_ranks(2, "train --resume measured --steps 12");
    expect_status(0);
    shell("cmp at_once/steps.csv measured/steps.csv && "
          "cmp at_once/model.safetensors measured/model.safetensors");
    run_ranks(3, "train --resume measured --steps 15");
    expect_status(0);
    assert_non_null(strstr(result.errors, "the shares of 2 ranks are not for 3: they are measured anew"));
}

static void a_share_far_larger_than_rank_0s_resumes_to_the_same_bits(void **state)
{
    (void)state;
    run_ranks(2, SMALL "--lr 0.1 --shares 3,9 --steps 12 --out in_one");
    expect_status(0);
    run_ranks(2, SMALL "--lr 0.1 --shares 3,9 --steps 5 --out in_two");
    expect_status(0);
    run_ranks(2, "train --resume in_two --steps 12");
    expect_status(0);
    shell("cmp in_one/steps.csv in_two/steps.csv && cmp in_one/model.safetensors in_two/model.safetensors");
}

/* Far more than rounding in another order, far less than a gradient that is wrong. */
static void compressed_gradients_train_almost_as_whole_ones_do(void **state)
{
    (void)state;
    run_ranks(2, SMALL "--lr 0.01 --schedule constant --out plain");
    expect_status(0);
    run_ranks(2, SMALL "--lr 0.01 --schedule constant --grad-compression bf16 --out compressed");
    expect_status(0);
    const double difference = compare("plain", "compressed");
    assert_true(difference > 0);
    assert_true(difference < 0.01);
}

static void rounding_errors_of_compressed_gradients_survive_a_resume(void **state)
{
    (void)state;
    static const char compressed[] = SMALL "--lr 0.1 --grad-compression bf16 ";
    run_ranks(3, "%s --steps 12 --out at_a_stretch", compressed);
    expect_status(0);
    run_ranks(3, "%s --steps 5 --out halves", compressed);
    expect_status(0);
    run_ranks(3, "train --resume halves --steps 12");
    expect_status(0);
    shell("cmp at_a_stretch/steps.csv halves/steps.csv && "
          "cmp at_a_stretch/model.safetensors halves/model.safetensors");
    assert_null(strstr(result.errors, "begin at zero"));
    run_ranks(2, "train --resume halves --steps 14");
    expect_status(0);
    assert_non_null(strstr(result.errors, "were kept of 3 ranks, and begin at zero on 2"));
    run("train --resume halves --steps 16");
    expect_status(0);
}

static void what_all_ranks_find_wrong_is_told_once(void **state)
{
    (void)state;
    run_ranks(3, SMALL "--data /nowhere --out wrong");
    expect_status(4);
    const char *line = strstr(result.errors, "rncl: ");
    assert_non_null(line);
    assert_null(strstr(line + 1, "rncl: "));
    run_ranks(3, SMALL "--batch-size 2 --out wrong");
    expect_status(2);
    assert_non_null(strstr(result.errors, "a batch of 2 for 3 ranks"));
    run_ranks(3, SMALL "--shares 3,1 --out wrong");
    expect_status(2);
    assert_non_null(strstr(result.errors, "--shares 3,1: for 2 ranks, not for 3"));
}

/* Ranks have the cores of this process where the launcher does not bind them. */
static void a_rank_that_is_bound_to_fewer_cores_than_its_own_is_warned(void **state)
{
    (void)state;
    static const char warning[] = "rank 0 is bound to 1 of the ";
    cpu_set_t all, one;
    size_t cpu = 0;
    assert_return_code(sched_getaffinity(0, sizeof all, &all), errno);
    if (CPU_COUNT(&all) < 2)
        skip();
    setenv("OMPI_MCA_hwloc_base_binding_policy", "none", 1);
    run_ranks(1, SMALL "--steps 1 --out unbound");
    expect_status(0);
    assert_null(strstr(result.errors, warning));
    while (!CPU_ISSET(cpu, &all))
        cpu++;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    assert_return_code(sched_setaffinity(0, sizeof one, &one), errno);
    run_ranks(1, SMALL "--steps 1 --out bound");
    unsetenv("OMPI_MCA_hwloc_base_binding_policy");
    assert_return_code(sched_setaffinity(0, sizeof all, &all), errno);
    expect_status(0);
    assert_non_null(strstr(result.errors, warning));
}

static void a_divergence_ends_all_ranks_or_takes_them_back(void **state)
{
    (void)state;
    run_ranks(2, SMALL "--lr 1e30 --out diverged");
    expect_status(6);
    run_ranks(2, SMALL "--lr 1e30 --on-divergence rollback --out back");
    expect_status(6);
    assert_non_null(strstr(result.errors, "of at most 3 times"));
}

/* ---- accidents ---- */

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Starts a training on three ranks with these options, and waits until it has taken some steps. */
static pid_t start_with(const char *run, const char *options)
{
    char command[1024];
    snprintf(command, sizeof command,
             "cd %s && exec %s -n 3 %s " SMALL "--eval-every 1000 %s --out %s >output 2>errors",
             program_folder, RNCL_MPIRUN, RNCL_BINARY, options, run);
    const pid_t launcher = fork();
    assert_true(launcher >= 0);
    if (launcher == 0) {
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    snprintf(command, sizeof command,
             "for i in $(seq 1200); do [ $(wc -l <%s/steps.csv) -gt 10 ] && exit 0; "
             "sleep 0.1; done 2>/dev/null; exit 1",
             run);
    shell("%s", command);
    return launcher;
}

/* A long one, with a checkpoint behind its first steps. */
static pid_t start(const char *run)
{
    return start_with(run, "--steps 1000000 --checkpoint-every 3");
}

/* The parent of a process; 0: there is none any more. */
static pid_t parent_of(pid_t process)
{
    char path[64];
    int parent = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)process);
    FILE *file = fopen(path, "r");
    if (!file)
        return 0;
    if (fscanf(file, "%*d %*s %*c %d", &parent) != 1)
        parent = 0;
    fclose(file);
    return parent;
}

/* Whether a process's environment says that it is this rank: Open MPI's does, or that of MPICH's Hydra. */
static bool is_rank(pid_t process, int rank)
{
    char path[64], names[2][64];
    static char text[1 << 16];
    bool found = false;
    snprintf(names[0], sizeof names[0], "OMPI_COMM_WORLD_RANK=%d", rank);
    snprintf(names[1], sizeof names[1], "PMI_RANK=%d", rank);
    snprintf(path, sizeof path, "/proc/%d/environ", (int)process);
    FILE *file = fopen(path, "r");
    if (!file)
        return false;
    const size_t size = fread(text, 1, sizeof text - 1, file);
    text[size] = '\0';
    fclose(file);
    for (const char *at = text; at < text + size && !found; at += strlen(at) + 1)
        found = !strcmp(at, names[0]) || !strcmp(at, names[1]);
    return found;
}

/* The process of a rank: a child of the launcher, or of something that the launcher has started; 0: none. */
static pid_t find_rank(pid_t ancestor, int rank)
{
    DIR *folder = opendir("/proc");
    pid_t found = 0;
    assert_non_null(folder);
    for (struct dirent *entry; !found && (entry = readdir(folder));) {
        const pid_t process = (pid_t)atoi(entry->d_name);
        if (process > 0 && parent_of(process) == ancestor)
            found = is_rank(process, rank) ? process : find_rank(process, rank);
    }
    closedir(folder);
    return found;
}

/* Waits until the job has ended; its exit status. How long that takes is the torture's to judge, on a machine
 * that has nothing else to do; MPI by itself would wait for minutes. */
static int wait_for(pid_t launcher)
{
    int status;
    const double began = seconds();
    assert_int_equal(waitpid(launcher, &status, 0), launcher);
    assert_true(seconds() - began < 60);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void expect_resumable(const char *run)
{
    run_ranks(2, "train --resume %s --time-limit 1 --eval-every 1000", run);
    expect_status(0);
    assert_non_null(strstr(result.errors, "resumed after step"));
}

static void a_rank_that_is_killed_ends_the_job_and_the_run_goes_on(void **state)
{
    (void)state;
    for (int rank = 0; rank < 3; rank++) {
        char name[24];
        snprintf(name, sizeof name, "killed%d", rank);
        const pid_t launcher = start(name), victim = find_rank(launcher, rank);
        assert_true(victim > 0);
        kill(victim, SIGKILL);
        assert_int_not_equal(wait_for(launcher), 0);
        expect_resumable(name);
    }
}

/* MPICH's launcher, Hydra: where a rank has died, it kills the others at once. */
static bool launcher_leaves_no_time(void)
{
    return system(RNCL_MPIRUN " --version 2>&1 | grep -q HYDRA") == 0;
}

/* Rank 0 saves the last whole step where the launcher leaves it the time; without it the run goes on from an
 * earlier one. */
static void a_run_that_lost_a_rank_ends_with_the_bits_of_one_that_did_not(void **state)
{
    (void)state;
    const char *options = launcher_leaves_no_time() ? "--steps 300 --lr 0.1 --ema 0.9 --checkpoint-every 4"
                                                    : "--steps 300 --lr 0.1 --ema 0.9";
    run_ranks(3, SMALL "--eval-every 1000 %s --out unhurt", options);
    expect_status(0);
    const pid_t launcher = start_with("hurt", options), victim = find_rank(launcher, 1);
    assert_true(victim > 0);
    kill(victim, SIGKILL);
    assert_int_not_equal(wait_for(launcher), 0);
    run_ranks(3, "train --resume hurt");
    expect_status(0);
    assert_non_null(strstr(result.errors, "resumed after step "));
    shell("cmp unhurt/steps.csv hurt/steps.csv && cmp unhurt/model.safetensors hurt/model.safetensors");
}

/* A rank that stands still has no socket that closes: its silence is what the others notice. */
static void a_rank_that_stands_still_ends_the_job_and_the_run_goes_on(void **state)
{
    (void)state;
    const pid_t launcher = start("still"), victim = find_rank(launcher, 1);
    assert_true(victim > 0);
    kill(victim, SIGSTOP);
    assert_int_not_equal(wait_for(launcher), 0);
    read_text("errors", result.errors, sizeof result.errors);
    assert_non_null(strstr(result.errors, "hears nothing from rank 1 any more"));
    expect_resumable("still");
}

static void a_signal_to_any_rank_saves_and_ends_all(void **state)
{
    (void)state;
    for (int rank = 0; rank < 3; rank += 2) {
        char name[24];
        snprintf(name, sizeof name, "asked%d", rank);
        const pid_t launcher = start(name), victim = find_rank(launcher, rank);
        assert_true(victim > 0);
        kill(victim, SIGTERM);
        assert_int_equal(wait_for(launcher), 130);
        read_text("errors", result.errors, sizeof result.errors);
        assert_non_null(strstr(result.errors, ", and saved; continue with"));
        expect_resumable(name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranks_with_common_statistics_train_as_one_does),
        cmocka_unit_test(options_that_weigh_and_average_work_on_ranks),
        cmocka_unit_test(two_runs_of_the_same_ranks_give_the_same_bits),
        cmocka_unit_test(a_run_goes_on_with_as_many_ranks_to_the_same_bits),
        cmocka_unit_test(a_run_goes_on_with_another_number_of_ranks),
        cmocka_unit_test(unequal_shares_train_as_one_rank_does),
        cmocka_unit_test(measured_shares_are_those_of_the_resumed_run),
        cmocka_unit_test(a_share_far_larger_than_rank_0s_resumes_to_the_same_bits),
        cmocka_unit_test(compressed_gradients_train_almost_as_whole_ones_do),
        cmocka_unit_test(rounding_errors_of_compressed_gradients_survive_a_resume),
        cmocka_unit_test(what_all_ranks_find_wrong_is_told_once),
        cmocka_unit_test(a_rank_that_is_bound_to_fewer_cores_than_its_own_is_warned),
        cmocka_unit_test(a_divergence_ends_all_ranks_or_takes_them_back),
        cmocka_unit_test(a_rank_that_is_killed_ends_the_job_and_the_run_goes_on),
        cmocka_unit_test(a_run_that_lost_a_rank_ends_with_the_bits_of_one_that_did_not),
        cmocka_unit_test(a_rank_that_stands_still_ends_the_job_and_the_run_goes_on),
        cmocka_unit_test(a_signal_to_any_rank_saves_and_ends_all),
    };
    return cmocka_run_group_tests(tests, create_folder, remove_folder);
}
