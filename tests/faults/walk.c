/* Walks over the calls of short runs with one fault each, sends signals, damages files; prints how the runs
 * ended.
 *
 *   fault_walk [calls|kills|damage] --rncl FILE --layer FILE [--seconds N] [--seed N] [--scenario NAME]
 *
 * `calls` finds every place in the program that calls libc or OpenCL in a scenario and fails it, with each
 * code that makes sense there: the first call, the one in the middle and the last, once and from then on.
 * `kills` ends trainings with SIGKILL, SIGINT and SIGTERM at random times, and with SIGKILL in the middle of
 * each call by which files are written. `damage` changes bits, blocks and lengths of the files that a run
 * reads. In random order, until time is up; without --seconds, all. Exit status 1 if a run ended badly; each
 * such run is printed as a command that repeats it. */
#include <err.h>
#include <getopt.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "damage.h"
#include "scenario.h"
#include "util.h"

enum { RANDOM_KILLS = 1000, RANDOM_DAMAGE = 1000, LONGEST_RULE = 192 };

/* Error codes for each call. Calls that begin with "cl" use the codes of the first row. */
static const struct {
    const char *function;
    const char *ways[8];
} failures[] = {
    {"cl", {"-4", "-5", "-6", "-2", "-36", "-54"}},
    {"malloc", {"12"}},
    {"calloc", {"12"}},
    {"realloc", {"12"}},
    {"strdup", {"12"}},
    {"strndup", {"12"}},
    {"open_memstream", {"12"}},
    {"mmap", {"12"}},
    {"open", {"13", "24", "5"}},
    {"open64", {"13", "24"}},
    {"fopen", {"13", "24", "12"}},
    {"fdopen", {"12"}},
    {"read", {"5", "0", "4", "short"}},
    {"write", {"28", "5", "4", "short"}},
    {"fread", {"5"}},
    {"fwrite", {"28", "5"}},
    {"fflush", {"28", "5"}},
    {"fsync", {"28", "5"}},
    {"fclose", {"28", "5"}},
    {"close", {"5"}},
    {"rename", {"28", "13"}},
    {"mkdir", {"13", "28"}},
    {"stat", {"13", "5"}},
    {"fstat", {"5"}},
    {"flock", {"37"}},
    {"getrandom", {"38"}},
    {"opendir", {"13"}},
    {"readdir", {"5"}},
    {"scandir", {"12", "13"}},
    {"openat", {"13"}},
    {"access", {"5"}},
    {"lstat", {"5"}},
    {"link", {"28", "95"}},
    {"unlink", {"5"}},
    {"unlinkat", {"5"}},
    {"rmdir", {"5"}},
    {"closedir", {"5"}},
    {"getcwd", {"12", "2"}},
    {"realpath", {"12", "13"}},
    {"__getdelim", {"5"}},
    {"fgets", {"5"}},
    {"fputs", {"28"}},
    {"fputc", {"28"}},
    {"putc", {"28"}},
    {"puts", {"28"}},
    {"printf", {"28"}},
    {"fprintf", {"28"}},
    {"vfprintf", {"28"}},
    {"pipe2", {"24"}},
    {"socketpair", {"24"}},
    {"send", {"5"}},
    {"poll", {"12"}},
    {"posix_spawn", {"11", "12"}},
    {"pthread_create", {"11"}},
};

static const char *const saving[] = {"open",  "fdopen", "fwrite", "fflush",
                                     "fsync", "rename", "fclose", "close"};

typedef struct test_case {
    const scenario *scenario;
    char rule[LONGEST_RULE]; /* "": a signal, or damage */
    const char *damaged;
    uint64_t seed; /* of the damage */
    int signals[PROGRAM_RUN_SIGNALS], signal_ms;
} test_case;

static struct {
    test_case *cases;
    size_t count, room;
    unsigned counts[16][VERDICT_COUNT]; /* of each scenario */
    uint64_t random;
} walk;

static void add(test_case c)
{
    if (walk.count == walk.room) {
        walk.room = MAX(2 * walk.room, (size_t)1024);
        walk.cases = realloc(walk.cases, walk.room * sizeof *walk.cases);
        if (!walk.cases)
            err(1, "cases");
    }
    walk.cases[walk.count++] = c;
}

static void add_rule(const scenario *s, const char *function, const char *site, unsigned long call,
                     const char *later, const char *way)
{
    test_case c = {.scenario = s};
    snprintf(c.rule, sizeof c.rule, "%s@%s:%lu%s:%s", function, site, call, later, way);
    add(c);
}

static void add_failures(const scenario *s, const char *function, const char *site, unsigned long calls)
{
    const unsigned long places[] = {1, (calls + 1) / 2, calls};
    for (size_t i = 0; i < COUNT(failures); i++) {
        const bool opencl = !strcmp(failures[i].function, "cl") && !strncmp(function, "cl", 2);
        const bool close = !strcmp(function, "close");
        if (opencl ? close : strcmp(failures[i].function, function) != 0)
            continue;
        for (int w = 0; failures[i].ways[w]; w++)
            for (size_t k = 0; k < COUNT(places); k++) {
                if (k && places[k] == places[k - 1])
                    continue;
                add_rule(s, function, site, places[k], "", failures[i].ways[w]);
                /* A call that always fails with EINTR is retried without end. */
                if (places[k] < calls && strcmp(failures[i].ways[w], "4") != 0)
                    add_rule(s, function, site, places[k], "+", failures[i].ways[w]);
            }
    }
}

static void add_kills(const scenario *s, const char *function, const char *site, unsigned long calls)
{
    for (size_t i = 0; i < COUNT(saving); i++)
        if (!strcmp(function, saving[i]))
            for (unsigned long call = 1; call <= calls; call++)
                add_rule(s, function, site, call, "", "kill");
}

/* Finds all call sites by a run without a fault, and adds the cases of each. */
static void visit(const place *p, const scenario *s,
                  void (*visitor)(const scenario *, const char *, const char *, unsigned long))
{
    char environment[256], errors[512], function[64], site[64], path[128];
    snprintf(path, sizeof path, "%s/calls-%s", p->work, s->name);
    snprintf(environment, sizeof environment, "RNCL_FAULT_CALLS=%s RNCL_FAULT_FIRED=fired", path);
    const trial t = {.scenario = s, .environment = environment};
    scenario_try(p, &t, errors);
    FILE *file = fopen(path, "r");
    unsigned long calls;
    while (file && fscanf(file, "%63s %63s %lu", function, site, &calls) == 3)
        visitor(s, function, site, calls);
    if (!file)
        errx(1, "%s: not written; is the fault layer %s there?", path, p->layer);
    fclose(file);
}

static void add_signals(const scenario *s, int takes_ms)
{
    static const int signals[][PROGRAM_RUN_SIGNALS] = {{SIGKILL}, {SIGINT}, {SIGKILL}, {SIGTERM},
                                                       {SIGKILL}, {SIGHUP}, {SIGKILL}, {SIGINT, SIGTERM},
                                                       {SIGKILL}, {SIGXCPU}};
    for (size_t i = 0; s->resume && i < RANDOM_KILLS; i++) {
        const int *chosen = signals[i % COUNT(signals)];
        add((test_case){.scenario = s,
                        .signals = {chosen[0], chosen[1]},
                        .signal_ms = (int)damage_draw(&walk.random, (uint32_t)takes_ms + 1)});
    }
}

static void add_damage(const scenario *s)
{
    for (size_t f = 0; f < COUNT(s->files) && s->files[f]; f++)
        for (int i = 0; i < RANDOM_DAMAGE; i++)
            add((test_case){
                .scenario = s, .damaged = s->files[f], .seed = damage_draw(&walk.random, UINT32_MAX)});
}

static void shuffle(void)
{
    for (size_t i = walk.count; i > 1; i--) {
        const size_t j = damage_draw(&walk.random, (uint32_t)i);
        const test_case kept = walk.cases[i - 1];
        walk.cases[i - 1] = walk.cases[j];
        walk.cases[j] = kept;
    }
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
                     .call = strncmp(call, "cl", 2) || !strcmp(call, "close") ? NULL : call};
    const verdict v = scenario_try(p, &t, errors);
    walk.counts[c->scenario - scenarios][v]++;
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
    printf("%-12s %8zu of %6zu cases %6.0f s %6zu bad\n", what, done, walk.count, seconds, bad);
}

static double clock_seconds(void)
{
    return 1e-9 * (double)rncl_time_ns();
}

/* Adds the cases of `calls`, `kills` or `damage`, given by the first letter. */
static void add_cases(const place *p, const scenario *s, char what)
{
    /* `kills` needs a scenario that can be resumed, `damage` one with files; `calls` skips scenarios that
     * exist only for their files. */
    if ((what == 'k' && !s->resume) || (what == 'd' && !s->files[0]) ||
        (what == 'c' && s->files[0] && !s->resume))
        return;
    const int takes_ms = scenario_reference(p, s);
    if (what == 'd')
        add_damage(s);
    else
        visit(p, s, what == 'k' ? add_kills : add_failures);
    if (what == 'k')
        add_signals(s, takes_ms);
}

typedef struct settings {
    const char *what, *rncl, *layer, *only;
    double seconds;
} settings;

static settings read_arguments(int argc, char **argv)
{
    static const struct option options[] = {
        {"rncl", required_argument, NULL, 'r'},     {"layer", required_argument, NULL, 'l'},
        {"seconds", required_argument, NULL, 't'},  {"seed", required_argument, NULL, 's'},
        {"scenario", required_argument, NULL, 'c'}, {0}};
    settings s = {.what = "calls", .seconds = 1e9};
    int o;
    walk.random = 1;
    while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (o == 'r')
            s.rncl = optarg;
        else if (o == 'l')
            s.layer = optarg;
        else if (o == 't')
            s.seconds = atof(optarg);
        else if (o == 's')
            walk.random = strtoull(optarg, NULL, 10);
        else if (o == 'c')
            s.only = optarg;
        else
            exit(2);
    }
    if (optind < argc)
        s.what = argv[optind];
    if (!s.rncl || !s.layer ||
        (strcmp(s.what, "calls") && strcmp(s.what, "kills") && strcmp(s.what, "damage")))
        errx(2, "usage: fault_walk [calls|kills|damage] --rncl FILE --layer FILE [--seconds N] [--seed N] "
                "[--scenario NAME]");
    return s;
}

int main(int argc, char **argv)
{
    const settings s = read_arguments(argc, argv);
    place p;
    place_make(s.rncl, s.layer, &p);
    for (unsigned i = 0; i < scenario_count; i++)
        if (!s.only || !strcmp(s.only, scenarios[i].name))
            add_cases(&p, &scenarios[i], *s.what);
    shuffle();
    const double started = clock_seconds(); /* time of the walk itself; preparing takes some seconds more */
    size_t done = 0, bad = 0;
    for (; done < walk.count && clock_seconds() - started < s.seconds; done++)
        bad += !try_case(&p, &walk.cases[done]);
    print_table(s.what, done, bad, clock_seconds() - started);
    place_remove(&p);
    free(walk.cases);
    return bad != 0;
}
