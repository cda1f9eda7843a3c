/* Rules and counters of the fault layer. Nothing here allocates, since malloc is one of the wrapped
 * functions. */
#include "fault_plan.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fault_leaks.h"

enum { MOST_MODULES = 16, MOST_RULES = 16, MOST_SITES = 4096, TEXT = FAULT_SITE };

/* Modules whose objects are watched, in addition to the program's own, and whether their calls fail too: that
 * they do needs a library that returns errors to its caller. popt ends the process when memory is short, and
 * Jansson has an assertion there. Drivers and compilers are no concern of the layer. */
static const struct {
    const char *name;
    bool fails;
} modules[] = {{"libinih", true}, {"libpng", true},  {"libjpeg", true},     {"libwebp", true},
               {"libz.", true},   {"librncl", true}, {"libjansson", false}, {"libpopt", false}};

typedef struct module {
    char name[TEXT];
    uintptr_t base, begin, end;
    bool fails;
} module;

typedef struct selection {
    unsigned long first;
    bool later; /* and all later ones */
} selection;

typedef struct rule {
    char function[TEXT], site[TEXT];
    selection which;
    enum { FAIL, SHORT, DELAY, KILL } what;
    int number; /* code or milliseconds */
    unsigned long calls;
} rule;

typedef struct site {
    const fault_point *point;
    const void *caller;
    unsigned long calls;
} site;

static struct {
    bool ready, counting;
    module modules[MOST_MODULES];
    size_t module_count;
    rule rules[MOST_RULES];
    size_t rule_count;
    site sites[MOST_SITES]; /* hashed by caller */
    rule spoil;             /* function: the kernel */
    unsigned spoil_argument;
    size_t spoil_index;
    bool spoils;
    pthread_mutex_t lock;
} plan = {.lock = PTHREAD_MUTEX_INITIALIZER};

static _Noreturn void give_up(const char *what, const char *text)
{
    fprintf(stderr, "fault layer: %s: %s\n", what, text);
    _exit(99);
}

static int add_module(struct dl_phdr_info *info, size_t size, void *unused)
{
    (void)size, (void)unused;
    const char *slash = strrchr(info->dlpi_name, '/'), *name = slash ? slash + 1 : info->dlpi_name;
    bool wanted = plan.module_count == 0, fails = wanted; /* the program is the first */
    for (size_t i = 0; i < sizeof modules / sizeof *modules; i++)
        if (!strncmp(name, modules[i].name, strlen(modules[i].name))) {
            wanted = true;
            fails = modules[i].fails;
        }
    for (int i = 0; wanted && i < info->dlpi_phnum && plan.module_count < MOST_MODULES; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        if (header->p_type != PT_LOAD || !(header->p_flags & PF_X))
            continue;
        module *m = &plan.modules[plan.module_count++];
        m->base = info->dlpi_addr;
        m->begin = m->base + header->p_vaddr;
        m->end = m->begin + header->p_memsz;
        m->fails = fails;
        snprintf(m->name, sizeof m->name, "%s", *name ? name : program_invocation_short_name);
    }
    return 0;
}

static const module *module_of(const void *address)
{
    for (size_t i = 0; i < plan.module_count; i++)
        if ((uintptr_t)address >= plan.modules[i].begin && (uintptr_t)address < plan.modules[i].end)
            return &plan.modules[i];
    return NULL;
}

bool fault_is_watched(const void *caller)
{
    return plan.ready && module_of(caller);
}

void fault_name_site(const void *address, char text[FAULT_SITE])
{
    const module *m = module_of(address);
    snprintf(text, FAULT_SITE, "%.40s+0x%lx", m->name, (unsigned long)((uintptr_t)address - m->base));
}

/* "N" or "N+" */
static selection read_selection(const char *text)
{
    char *end;
    selection s = {.first = strtoul(text, &end, 10)};
    s.later = *end == '+';
    if (end == text || s.first == 0)
        give_up("not a number of a call", text);
    return s;
}

static bool selects(const selection *s, unsigned long call)
{
    return call == s->first || (s->later && call > s->first);
}

static void read_rule(char *text)
{
    char *rest = NULL, *where = strtok_r(text, ":", &rest), *which = strtok_r(NULL, ":", &rest),
         *what = strtok_r(NULL, ":", &rest);
    if (!what || plan.rule_count == MOST_RULES)
        give_up("not FUNCTION:WHICH:WHAT, or too many", text);
    rule *r = &plan.rules[plan.rule_count++];
    const size_t length = strcspn(where, "@");
    snprintf(r->function, sizeof r->function, "%.*s", (int)length, where);
    snprintf(r->site, sizeof r->site, "%s", where[length] ? where + length + 1 : "");
    r->which = read_selection(which);
    r->what = !strcmp(what, "kill")         ? KILL
              : !strcmp(what, "short")      ? SHORT
              : !strncmp(what, "delay=", 6) ? DELAY
                                            : FAIL;
    r->number = r->what == DELAY ? atoi(what + 6) : atoi(what);
}

static void read_spoil(char *text)
{
    char *rest = NULL, *kernel = strtok_r(text, ":", &rest), *which = strtok_r(NULL, ":", &rest),
         *argument = strtok_r(NULL, ":", &rest), *index = strtok_r(NULL, ":", &rest);
    if (!index)
        give_up("not KERNEL:WHICH:ARGUMENT:INDEX", text);
    snprintf(plan.spoil.function, sizeof plan.spoil.function, "%s", kernel);
    plan.spoil.which = read_selection(which);
    plan.spoil_argument = (unsigned)atoi(argument);
    plan.spoil_index = strtoul(index, NULL, 10);
    plan.spoils = true;
}

/* The layer is loaded into everything that the command starts too: `nice`, `env` or a shell before the
 * program, compilers and linkers that drivers run. Only the program itself counts. */
static bool is_program(void)
{
    const char *name = getenv("RNCL_FAULT_PROGRAM");
    return !strcmp(name ? name : "rncl", program_invocation_short_name);
}

static void __attribute__((constructor)) start(void)
{
    static char rules[4096], spoil[256];
    if (!is_program())
        return;
    dl_iterate_phdr(add_module, NULL);
    const char *text = getenv("RNCL_FAULT");
    snprintf(rules, sizeof rules, "%s", text ? text : "");
    char *rest = NULL;
    for (char *r = strtok_r(rules, ";", &rest); r; r = strtok_r(NULL, ";", &rest))
        read_rule(r);
    if ((text = getenv("RNCL_FAULT_SPOIL")) && *text) {
        snprintf(spoil, sizeof spoil, "%s", text);
        read_spoil(spoil);
    }
    plan.counting = getenv("RNCL_FAULT_CALLS") != NULL;
    plan.ready = true;
}

static void __attribute__((destructor)) finish(void)
{
    const char *path = getenv("RNCL_FAULT_CALLS");
    if (!plan.ready)
        return;
    plan.ready = false;
    fault_write_left();
    FILE *file = path ? fopen(path, "a") : NULL;
    for (size_t i = 0; file && i < MOST_SITES; i++) {
        char text[TEXT];
        if (!plan.sites[i].calls)
            continue;
        fault_name_site(plan.sites[i].caller, text);
        fprintf(file, "%s %s %lu\n", plan.sites[i].point->name, text, plan.sites[i].calls);
    }
    if (file)
        fclose(file);
}

static void count(const fault_point *point, const void *caller)
{
    pthread_mutex_lock(&plan.lock);
    for (size_t tries = 0, i = ((uintptr_t)caller * 2654435761u) % MOST_SITES; tries < MOST_SITES;
         tries++, i = (i + 1) % MOST_SITES) {
        site *s = &plan.sites[i];
        if (s->calls && (s->caller != caller || s->point != point))
            continue;
        *s = (site){point, caller, s->calls + 1};
        break;
    }
    pthread_mutex_unlock(&plan.lock);
}

static void tell_fired(void)
{
    const char *path = getenv("RNCL_FAULT_FIRED");
    if (!path)
        return;
    /* Calls the real functions: the wrappers do not count calls from here. */
    const int descriptor = open(path, O_WRONLY | O_CREAT, 0644);
    if (descriptor >= 0)
        close(descriptor);
}

fault fault_meet(fault_point *point, const void *caller)
{
    const fault none = {FAULT_NONE, 0};
    if (!plan.ready || (!plan.counting && !plan.rule_count))
        return none;
    const module *m = module_of(caller);
    if (!m || !m->fails)
        return none;
    if (plan.counting)
        count(point, caller);
    char where[TEXT] = "";
    for (size_t i = 0; i < plan.rule_count; i++) {
        rule *r = &plan.rules[i];
        if (strcmp(r->function, point->name) != 0)
            continue;
        if (r->site[0] && !where[0])
            fault_name_site(caller, where);
        if (r->site[0] && strcmp(r->site, where) != 0)
            continue;
        if (!selects(&r->which, __atomic_add_fetch(&r->calls, 1, __ATOMIC_SEQ_CST)))
            continue;
        tell_fired();
        if (r->what == KILL)
            raise(SIGKILL);
        if (r->what == DELAY)
            nanosleep(&(struct timespec){r->number / 1000, r->number % 1000 * 1000000L}, NULL);
        else
            return (fault){r->what == SHORT ? FAULT_SHORT : FAULT_CODE, r->number};
    }
    return none;
}

void *fault_real(fault_point *point)
{
    if (!point->real)
        point->real = dlsym(RTLD_NEXT, point->name);
    if (!point->real)
        give_up("no such function", point->name);
    return point->real;
}

bool fault_device_value(const char *name, uint64_t *value)
{
    const char *text = getenv("RNCL_FAULT_DEVICE");
    const size_t length = strlen(name);
    while (text && *text) {
        if (!strncmp(text, name, length) && text[length] == '=') {
            *value = strtoull(text + length + 1, NULL, 10);
            return true;
        }
        text = strchr(text, ',');
        text = text ? text + 1 : NULL;
    }
    return false;
}

bool fault_spoils(const char *kernel, unsigned *argument, size_t *index)
{
    if (!plan.spoils || strcmp(plan.spoil.function, kernel) != 0 ||
        !selects(&plan.spoil.which, __atomic_add_fetch(&plan.spoil.calls, 1, __ATOMIC_SEQ_CST)))
        return false;
    *argument = plan.spoil_argument;
    *index = plan.spoil_index;
    tell_fired();
    return true;
}
