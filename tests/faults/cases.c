/* Finds the cases: call sites by a run without a fault, times and damage by chance. */
#include "cases.h"

#include <ctype.h>
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "damage.h"
#include "util.h"

enum { RANDOM_KILLS = 250, RANDOM_DAMAGE = 1000 }; /* of each scenario, of each of its files */

/* Error codes for each call. Calls of OpenCL use those of the first row. */
static const struct {
    const char *function;
    const char *ways[8];
} failures[] = {
    {"cl", {"-4", "-5", "-6", "-2", "-36", "-54"}},
    {"malloc", {"12"}},
    {"calloc", {"12"}},
    {"realloc", {"12"}},
    {"aligned_alloc", {"12"}},
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
    {"faccessat", {"13", "5"}},
    {"mkdtemp", {"13", "28"}},
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
    {"waitpid", {"4", "10"}},
    {"posix_spawn", {"11", "12"}},
    {"pthread_create", {"11"}},
};

static const char *const saving[] = {"open",  "fdopen", "fwrite", "fflush",
                                     "fsync", "rename", "fclose", "close"};

bool case_calls_opencl(const char *function)
{
    return !strncmp(function, "cl", 2) && isupper((unsigned char)function[2]);
}

static void add(case_list *all, test_case c)
{
    if (all->count == all->room) {
        all->room = MAX(2 * all->room, (size_t)1024);
        all->cases = realloc(all->cases, all->room * sizeof *all->cases);
        if (!all->cases)
            err(1, "cases");
    }
    all->cases[all->count++] = c;
}

static void add_rule(case_list *all, const scenario *s, const char *function, const char *site,
                     unsigned long call, const char *later, const char *way)
{
    test_case c = {.scenario = s};
    snprintf(c.rule, sizeof c.rule, "%s@%s:%lu%s:%s", function, site, call, later, way);
    add(all, c);
}

static void add_failures(case_list *all, const scenario *s, const char *function, const char *site,
                         unsigned long calls)
{
    const unsigned long places[] = {1, (calls + 1) / 2, calls};
    for (size_t i = 0; i < COUNT(failures); i++) {
        if (strcmp(failures[i].function, case_calls_opencl(function) ? "cl" : function) != 0)
            continue;
        for (int w = 0; failures[i].ways[w]; w++)
            for (size_t k = 0; k < COUNT(places); k++) {
                if (k && places[k] == places[k - 1])
                    continue;
                add_rule(all, s, function, site, places[k], "", failures[i].ways[w]);
                /* A call that always fails with EINTR is retried without end. */
                if (places[k] < calls && strcmp(failures[i].ways[w], "4") != 0)
                    add_rule(all, s, function, site, places[k], "+", failures[i].ways[w]);
            }
    }
}

static void add_kills(case_list *all, const scenario *s, const char *function, const char *site,
                      unsigned long calls)
{
    enum { MOST_CALLS = 5 };
    for (size_t i = 0; i < COUNT(saving); i++)
        for (unsigned long k = 0; !strcmp(function, saving[i]) && k < MIN(calls, MOST_CALLS); k++)
            add_rule(all, s, function, site, 1 + k * calls / MIN(calls, MOST_CALLS), "", "kill");
}

static bool is_known(const case_list *all, const char *function, const char *site, unsigned long calls)
{
    for (size_t i = 0; i < all->known_count; i++)
        if (!strcmp(all->known[i].site, site) && !strcmp(all->known[i].function, function) &&
            all->known[i].calls == calls)
            return true;
    return false;
}

static void add_known(case_list *all, const scenario *s, const char *function, const char *site,
                      unsigned long calls)
{
    (void)s;
    all->known = realloc(all->known, (all->known_count + 1) * sizeof *all->known);
    if (!all->known)
        err(1, "call sites");
    call_site *one = &all->known[all->known_count++];
    snprintf(one->function, sizeof one->function, "%s", function);
    snprintf(one->site, sizeof one->site, "%s", site);
    one->calls = calls;
}

/* Finds all call sites by a run without a fault, and adds the cases of each. */
static void visit(case_list *all, const place *p, const scenario *s,
                  void (*visitor)(case_list *, const scenario *, const char *, const char *, unsigned long))
{
    char environment[256], errors[512], function[64], site[64], path[128];
    snprintf(path, sizeof path, "%s/calls-%s", p->work, s->name);
    snprintf(environment, sizeof environment, "RNCL_FAULT_CALLS=%s RNCL_FAULT_FIRED=fired", path);
    const trial t = {.scenario = s, .environment = environment};
    scenario_try(p, &t, errors);
    FILE *file = fopen(path, "r");
    unsigned long calls;
    while (file && fscanf(file, "%63s %63s %lu", function, site, &calls) == 3)
        if (!is_known(all, function, site, calls))
            visitor(all, s, function, site, calls);
    if (!file)
        errx(1, "%s: not written; is the fault layer %s there?", path, p->layer);
    fclose(file);
}

static void add_signals(case_list *all, const scenario *s, int takes_ms)
{
    static const int signals[][PROGRAM_RUN_SIGNALS] = {{SIGKILL}, {SIGINT}, {SIGKILL}, {SIGTERM},
                                                       {SIGKILL}, {SIGHUP}, {SIGKILL}, {SIGINT, SIGTERM},
                                                       {SIGKILL}, {SIGXCPU}};
    for (size_t i = 0; s->resume && i < RANDOM_KILLS; i++) {
        const int *chosen = signals[i % COUNT(signals)];
        add(all, (test_case){.scenario = s,
                             .signals = {chosen[0], chosen[1]},
                             .signal_ms = (int)damage_draw(&all->random, (uint32_t)takes_ms + 1)});
    }
}

static void add_damage(case_list *all, const scenario *s)
{
    for (size_t f = 0; f < COUNT(s->files) && s->files[f]; f++)
        for (int i = 0; i < RANDOM_DAMAGE; i++)
            add(all, (test_case){.scenario = s,
                                 .damaged = s->files[f],
                                 .seed = damage_draw(&all->random, UINT32_MAX)});
}

static uint64_t order_of(const test_case *c, uint64_t seed)
{
    uint64_t h = rncl_hash(RNCL_HASH_START, &seed, sizeof seed);
    h = rncl_hash(h, c->scenario->name, strlen(c->scenario->name));
    h = rncl_hash(h, c->rule, strlen(c->rule));
    h = rncl_hash(h, &c->seed, sizeof c->seed);
    h = rncl_hash(h, c->signals, sizeof c->signals);
    return rncl_hash(h, &c->signal_ms, sizeof c->signal_ms);
}

static int compare_order(const void *a, const void *b)
{
    const uint64_t x = ((const test_case *)a)->order, y = ((const test_case *)b)->order;
    return (x > y) - (x < y);
}

void case_list_shuffle(case_list *all)
{
    for (size_t i = 0; i < all->count; i++)
        all->cases[i].order = order_of(&all->cases[i], all->seed);
    if (all->count)
        qsort(all->cases, all->count, sizeof *all->cases, compare_order);
}

void case_list_leave_out(case_list *all, const place *p, const scenario *s)
{
    scenario_reference(p, s);
    visit(all, p, s, add_known);
}

void case_list_add(case_list *all, const place *p, const scenario *s, char what)
{
    /* `kills` needs a scenario that can be resumed, `damage` one with files; `calls` skips scenarios that
     * exist only for their files. */
    if ((what == 'k' && !s->resume) || (what == 'd' && !s->files[0]) ||
        (what == 'c' && s->files[0] && !s->resume))
        return;
    const int takes_ms = scenario_reference(p, s);
    if (what == 'd')
        add_damage(all, s);
    else
        visit(all, p, s, what == 'k' ? add_kills : add_failures);
    if (what == 'k')
        add_signals(all, s, takes_ms);
}
