/* Scenarios and verdicts. */
#include "scenario.h"

#include <err.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "damage.h"
#include "file.h"
#include "util.h"

const char *const verdict_texts[VERDICT_COUNT] = {
#define X(code, text) text,
    VERDICT_LIST(X)
#undef X
};

enum { LIMIT_MS = 60000, INTERVAL = 2 };

/* ---- comparison ---- */

/* Removes lines that contain times. */
static void drop_times(char *text)
{
    char *to = text;
    for (char *line = text, *next; *line; line = next) {
        next = line + strcspn(line, "\n");
        next += *next == '\n';
        const size_t length = (size_t)(next - line);
        char *found = memmem(line, length, "images_per_second", 17);
        if (!found) {
            memmove(to, line, length);
            to += length;
        }
    }
    *to = '\0';
}

static bool same_output(const place *p, const scenario *s)
{
    char reference[64];
    snprintf(reference, sizeof reference, "%s-output", s->name);
    char *now = program_run_text(p->run, "output"), *then = program_run_text(p->work, reference);
    drop_times(now);
    drop_times(then);
    const bool same = !strcmp(now, then);
    free(now);
    free(then);
    return same;
}

static bool same_file(const place *p, const scenario *s, const char *name)
{
    char now_path[256], then_path[256];
    rncl_contents now = {0}, then = {0};
    snprintf(now_path, sizeof now_path, "%s/%s", p->run, name);
    snprintf(then_path, sizeof then_path, "%s/%s-%s", p->work, s->name, strrchr(name, '/') + 1);
    const bool same = !rncl_file_read(now_path, &now) && !rncl_file_read(then_path, &then) &&
                      now.size_bytes == then.size_bytes && !memcmp(now.data, then.data, now.size_bytes);
    rncl_contents_free(&now);
    rncl_contents_free(&then);
    return same;
}

static bool same_results(const place *p, const scenario *s)
{
    for (int i = 0; i < 3 && s->results[i]; i++)
        if (!strcmp(s->results[i], "output") ? !same_output(p, s) : !same_file(p, s, s->results[i]))
            return false;
    return true;
}

/* ---- runs ---- */

static void prepare(const place *p, const scenario *s)
{
    char command[256];
    snprintf(command, sizeof command, "rm -rf run && mkdir run && cd run && %s",
             s->prepare ? s->prepare : "true");
    place_shell(p, command);
}

static program_run run(const place *p, const scenario *s, const char *arguments, const trial *t)
{
    char command[2048];
    const char *environment = s->environment ? s->environment : "";
    if (t)
        snprintf(command, sizeof command, "exec env LD_PRELOAD=%s RNCL_FAULT_LEFT=left %s %s %s %s", p->layer,
                 environment, t->environment, p->rncl, arguments);
    else
        snprintf(command, sizeof command, "exec env %s %s %s", environment, p->rncl, arguments);
    program_run r = {.folder = p->run, .command = command, .limit_ms = LIMIT_MS};
    if (t) {
        memcpy(r.signals, t->signals, sizeof r.signals);
        r.signal_ms = t->signal_ms;
    }
    program_run_do(&r);
    return r;
}

int scenario_reference(const place *p, const scenario *s)
{
    prepare(p, s);
    const program_run r = run(p, s, s->arguments, NULL);
    if (r.exit_status != 0)
        errx(1, "without a fault, `rncl %s` ends with %d; see %s", s->arguments, r.exit_status, p->run);
    char command[256];
    for (int i = 0; i < 3 && s->results[i]; i++) {
        const char *slash = strrchr(s->results[i], '/');
        snprintf(command, sizeof command, "cp run/%s %s-%s", s->results[i], s->name,
                 slash ? slash + 1 : s->results[i]);
        place_shell(p, command);
    }
    return r.took_ms;
}

/* Whether a file of the run names the call. */
static bool names_call(const place *p, const char *file, const char *call)
{
    char *text = program_run_text(p->run, file);
    const bool named = strstr(text, call);
    free(text);
    return named;
}

/* Copies the last line. Returns whether it is the only one, says why the command failed, and the call is
 * named. */
static bool says_why(const place *p, const trial *t, char last[512])
{
    char *text = program_run_text(p->run, "errors"), *banner = strstr(text, "\n-----");
    if (t->scenario->environment && banner)
        *banner = '\0'; /* what MPI says about the end of its job */
    size_t length = strlen(text);
    while (length && text[length - 1] == '\n')
        text[--length] = '\0';
    const char *newline = strrchr(text, '\n');
    snprintf(last, 512, "%s", newline ? newline + 1 : text);
    int lines = 0;
    for (const char *at = text; (at = strstr(at, "rncl: ")); at++)
        lines += at == text || at[-1] == '\n';
    free(text);
    const bool named = !t->call || strstr(last, t->call) ||
                       (t->scenario->output_says_why && names_call(p, "output", t->call));
    return lines == 1 && !strncmp(last, "rncl: ", 6) && named;
}

static long last_step(const place *p)
{
    char *text = program_run_text(p->run, "out/steps.csv");
    long step = 0;
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        char *end;
        const long number = strtol(line, &end, 10);
        if (*end == ',' && strchr(end, '\n'))
            step = number;
    }
    free(text);
    return step;
}

/* Resumes an interrupted run, without a fault. One that has left nothing would be the reference again. */
static verdict resume(const place *p, const trial *t, char errors[512])
{
    char path[128];
    snprintf(path, sizeof path, "%s/out", p->run);
    if (access(path, F_OK) != 0)
        return VERDICT_REFUSED;
    snprintf(path, sizeof path, "%s/out/last.ckpt", p->run);
    const bool saved = access(path, F_OK) == 0;
    const long before = last_step(p);
    const program_run r = run(p, t->scenario, saved ? t->scenario->resume : t->scenario->arguments, NULL);
    if (r.hung)
        return VERDICT_HANG;
    if (r.exit_status != 0) {
        says_why(p, t, errors);
        return VERDICT_LOST;
    }
    char *text = program_run_text(p->run, "errors");
    const char *after = strstr(text, " after step ");
    const long resumed = after ? atol(after + strlen(" after step ")) : 0;
    free(text);
    /* steps.csv is a step ahead of the checkpoint that is being written. */
    if (before - resumed > INTERVAL + 1)
        return VERDICT_LOST;
    return same_results(p, t->scenario) ? VERDICT_RESUMED : VERDICT_DIFFERENT;
}

/* Half of the damage to model files is done to their headers, which are a small part of them. */
static size_t choose_part(const trial *t, const unsigned char *bytes, size_t size)
{
    uint64_t length;
    if (!strstr(t->damaged, ".safetensors") || size < sizeof length || damage_draw(t->random, 2))
        return size;
    memcpy(&length, bytes, sizeof length);
    return MIN(size, (size_t)length + sizeof length);
}

static void damage_file(const place *p, const trial *t)
{
    char path[256];
    rncl_contents whole;
    snprintf(path, sizeof path, "%s/%s", p->run, t->damaged);
    if (rncl_file_read(path, &whole) || whole.size_bytes < 2)
        errx(1, "%s: %s", path, rncl_status_message());
    unsigned char *bytes = malloc(whole.size_bytes);
    if (!bytes)
        err(1, "%s", path);
    memcpy(bytes, whole.data, whole.size_bytes);
    const size_t within = choose_part(t, bytes, whole.size_bytes);
    const size_t size = damage_do(t->random, bytes, whole.size_bytes, within);
    FILE *file = fopen(path, "w");
    if (!file || fwrite(bytes, 1, size, file) != size || fclose(file))
        err(1, "%s", path);
    free(bytes);
    rncl_contents_free(&whole);
}

/* Micro-batches have statistics of their own in batch normalisation, other kernels round differently, those
 * without a matrix unit as well, a class folder that cannot be listed has no pictures, and a report does
 * without what cannot be evaluated. */
static bool said_that_results_change(const place *p)
{
    char *text = program_run_text(p->run, "errors");
    const bool said = strstr(text, "going on with micro-batches of ") || strstr(text, "left out: ") ||
                      strstr(text, "the page has no evaluation: ") ||
                      strstr(text, " is not used this time: ");
    free(text);
    return said;
}

/* Copies the first of the objects that the process held at its end. */
static bool has_leaked(const place *p, char errors[512])
{
    char *left = program_run_text(p->run, "left");
    const bool leaked = *left;
    if (leaked)
        snprintf(errors, 512, "left: %s", left);
    free(left);
    return leaked;
}

/* Whether a damaged file may change results without an error: a damaged text can still be a valid text. */
static bool may_differ(const trial *t)
{
    return t->damaged && (strstr(t->damaged, ".ini") || strstr(t->damaged, ".csv"));
}

static bool documented(int status)
{
    return (status >= 0 && status <= 8) || status == 130;
}

/* Signals end the process as they always do until they are caught, which is before anything is said. */
static bool died_early(const place *p, const trial *t, const program_run *r)
{
    char *text = program_run_text(p->run, "errors");
    const bool silent = !*text;
    free(text);
    return silent && (r->died_of == t->signals[0] || r->died_of == t->signals[1]);
}

verdict scenario_try(const place *p, const trial *t, char errors[512])
{
    const scenario *s = t->scenario;
    prepare(p, s);
    if (t->damaged)
        damage_file(p, t);
    char fired[128];
    snprintf(fired, sizeof fired, "%s/fired", p->run);
    const program_run r = run(p, s, s->arguments, t);
    const bool said = says_why(p, t, errors), changed = said_that_results_change(p);
    if (r.hung)
        return VERDICT_HANG;
    if (strstr(t->environment, "RNCL_FAULT=") && access(fired, F_OK) != 0)
        return r.exit_status == 0 ? VERDICT_UNREACHED : VERDICT_CRASH;
    if (r.died_of && r.died_of != SIGKILL && !died_early(p, t, &r))
        return VERDICT_CRASH;
    if (!r.died_of && !documented(r.exit_status))
        return VERDICT_STATUS;
    if (has_leaked(p, errors))
        return VERDICT_LEAK;
    if (r.exit_status == 0)
        return same_results(p, s) ? VERDICT_SAME
               : changed          ? VERDICT_SAID
               : may_differ(t)    ? VERDICT_OTHER
                                  : VERDICT_DIFFERENT;
    if (!r.died_of && r.exit_status != 130 && !said)
        return VERDICT_UNSAID;
    if (!s->resume || t->damaged)
        return VERDICT_REFUSED;
    const verdict resumed = resume(p, t, errors);
    return resumed == VERDICT_DIFFERENT && changed ? VERDICT_SAID : resumed;
}
