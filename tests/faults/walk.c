/* Walks over the calls of short runs with one fault each, sends signals, damages files; prints how the runs
 * ended.
 *
 *   fault_walk [calls|kills|damage] --rncl FILE --layer FILE [--seconds N] [--cases N] [--seed N]
 *       [--from N] [--scenario NAME [--beyond NAME]]
 *
 * `calls` finds every place in the program that calls libc or OpenCL in a scenario and fails it, with each
 * code that makes sense there: the first call, the one in the middle and the last, once and from then on.
 * `kills` ends trainings with SIGKILL and other signals at random times, and with SIGKILL in the middle of
 * each call by which files are written. `damage` changes bits, blocks and lengths of the files that a run
 * reads. With --beyond, only call sites that the other scenario does not reach, or not as often. In random
 * order, until time is up, so many cases have been tried, or SIGINT or SIGTERM; else all. A walk that was
 * stopped goes on with --from, the same seed and the same program; call sites that come and go with the
 * timing of threads move its cases by as many places. Exit status 1 if a run ended badly; each such run is
 * printed as a command that repeats it. */
#include <err.h>
#include <getopt.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cases.h"
#include "util.h"

/* What a case does, for the table. */
static const char *const kind_texts[] = {
    "calls of OpenCL that fail", "calls of libc that fail", "SIGKILL in the middle of a write",
    "SIGKILL at a random time",  "other signals",           "damaged files"};
enum { KIND_COUNT = COUNT(kind_texts) };

static struct {
    case_list all;
    unsigned counts[MOST_SCENARIOS][VERDICT_COUNT]; /* of each scenario */
    unsigned kinds[KIND_COUNT];
} walk;

static int kind_of(const test_case *c)
{
    if (c->damaged)
        return 5;
    if (!c->rule[0])
        return c->signals[0] == SIGKILL ? 3 : 4;
    return strstr(c->rule, ":kill") ? 2 : !case_calls_opencl(c->rule);
}

static bool try_case(const place *p, const test_case *c)
{
    char environment[512] = "", errors[512], call[64] = "";
    if (c->rule[0])
        snprintf(environment, sizeof environment, "RNCL_FAULT='%s' RNCL_FAULT_FIRED=fired", c->rule);
    snprintf(call, sizeof call, "%.*s", (int)strcspn(c->rule, "@"), c->rule);
    uint64_t random = c->seed;
    const trial t = {.scenario = c->scenario,
                     .environment = environment,
                     .damaged = c->damaged,
                     .random = &random,
                     .signals = {c->signals[0], c->signals[1]},
                     .signal_ms = c->signal_ms,
                     .call = case_calls_opencl(call) ? call : NULL};
    const verdict v = scenario_try(p, &t, errors);
    walk.counts[c->scenario - scenarios][v]++;
    walk.kinds[kind_of(c)]++;
    if (!verdict_is_bad(v))
        return true;
    printf("%s: ", verdict_texts[v]);
    if (c->damaged)
        printf("damage to %s, seed %llu", c->damaged, (unsigned long long)c->seed);
    else if (c->rule[0])
        printf("RNCL_FAULT=%s", c->rule);
    else
        printf("signals %d and %d after %d ms", c->signals[0], c->signals[1], c->signal_ms);
    printf("\n    rncl %s\n    %s\n", c->scenario->arguments, errors);
    fflush(stdout);
    return false;
}

static void print_table(const char *what, size_t done, size_t bad, double seconds)
{
    for (unsigned s = 0; s < scenario_count; s++)
        for (int v = 0; v < VERDICT_COUNT; v++)
            if (walk.counts[s][v])
                printf("    %-12s %6u  %s\n", scenarios[s].name, walk.counts[s][v], verdict_texts[v]);
    for (size_t i = 0; i < KIND_COUNT; i++)
        if (walk.kinds[i])
            printf("    %6u  %s\n", walk.kinds[i], kind_texts[i]);
    printf("%-12s %8zu of %6zu cases %6.0f s %6zu bad\n", what, done, walk.all.count, seconds, bad);
}

static double clock_seconds(void)
{
    return 1e-9 * (double)rncl_time_ns();
}

typedef struct settings {
    const char *what, *rncl, *layer, *only, *beyond;
    double seconds;
    size_t from, cases;
} settings;

static settings read_arguments(int argc, char **argv)
{
    static const struct option options[] = {{"rncl", required_argument, NULL, 'r'},
                                            {"layer", required_argument, NULL, 'l'},
                                            {"seconds", required_argument, NULL, 't'},
                                            {"seed", required_argument, NULL, 's'},
                                            {"scenario", required_argument, NULL, 'c'},
                                            {"cases", required_argument, NULL, 'n'},
                                            {"from", required_argument, NULL, 'f'},
                                            {"beyond", required_argument, NULL, 'b'},
                                            {0}};
    settings s = {.what = "calls", .seconds = 1e9, .cases = SIZE_MAX};
    int o;
    walk.all.seed = 1;
    while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (o == 'r')
            s.rncl = optarg;
        else if (o == 'l')
            s.layer = optarg;
        else if (o == 't')
            s.seconds = atof(optarg);
        else if (o == 's')
            walk.all.seed = strtoull(optarg, NULL, 10);
        else if (o == 'n')
            s.cases = strtoull(optarg, NULL, 10);
        else if (o == 'f')
            s.from = strtoull(optarg, NULL, 10);
        else if (o == 'c')
            s.only = optarg;
        else if (o == 'b')
            s.beyond = optarg;
        else
            exit(2);
    }
    if (optind < argc)
        s.what = argv[optind];
    if (!s.rncl || !s.layer ||
        (strcmp(s.what, "calls") && strcmp(s.what, "kills") && strcmp(s.what, "damage")))
        errx(2, "usage: fault_walk [calls|kills|damage] --rncl FILE --layer FILE [--seconds N] [--cases N] "
                "[--seed N] [--from N] [--scenario NAME [--beyond NAME]]");
    walk.all.random = walk.all.seed;
    return s;
}

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
    (void)signal;
    stopped = 1;
}

int main(int argc, char **argv)
{
    const settings s = read_arguments(argc, argv);
    place p;
    place_make(s.rncl, s.layer, &p);
    for (unsigned i = 0; s.beyond && i < scenario_count; i++)
        if (!strcmp(s.beyond, scenarios[i].name))
            case_list_leave_out(&walk.all, &p, &scenarios[i]);
    for (unsigned i = 0; i < scenario_count; i++)
        if (!s.only || !strcmp(s.only, scenarios[i].name))
            case_list_add(&walk.all, &p, &scenarios[i], *s.what);
    case_list_shuffle(&walk.all);
    const double started = clock_seconds(); /* time of the walk itself; preparing takes some seconds more */
    const size_t first = MIN(s.from, walk.all.count);
    size_t done = 0, bad = 0;
    signal(SIGINT, stop);
    signal(SIGTERM, stop);
    for (; !stopped && done < MIN(walk.all.count - first, s.cases) && clock_seconds() - started < s.seconds;
         done++)
        bad += !try_case(&p, &walk.all.cases[first + done]);
    if (first + done < walk.all.count)
        printf("    the rest: --seed %llu --from %zu\n", (unsigned long long)walk.all.seed, first + done);
    print_table(s.what, done, bad, clock_seconds() - started);
    place_remove(&p);
    free(walk.all.cases);
    free(walk.all.known);
    return bad != 0;
}
