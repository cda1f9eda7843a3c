/* The child's side of a worker. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "json_text.h"
#include "setting_json.h"
#include "utf8.h"
#include "util.h"
#include "worker.h"

enum { MOST_SETTINGS = 4 };

typedef struct server {
    rncl_context *context;
    const rncl_trial_hook *hook;
    rncl_trial *trial; /* of the last request */
    rncl_problem problem;
} server;

static size_t read_settings(const json_t *request, rncl_setting *settings)
{
    const json_t *array = json_object_get(request, "settings");
    size_t count = json_array_size(array);
    if (count == 0 || count > MOST_SETTINGS)
        return 0;
    for (size_t i = 0; i < count; i++)
        if (!rncl_setting_from_json(json_array_get(array, i), &settings[i]))
            return 0;
    return count;
}

/* Sets up a trial, or keeps that of the last request if the problem is the same. */
static rncl_status set_up(server *s, const rncl_problem *problem)
{
    if (s->trial && rncl_problem_equal(problem, &s->problem))
        return RNCL_OK;
    rncl_trial_destroy(s->trial);
    s->trial = NULL;
    s->problem = *problem;
    return rncl_trial_create(s->context, problem, s->hook, &s->trial);
}

static rncl_status answer(server *s, const json_t *request, uint64_t *times_ns, size_t *count)
{
    const char *key = json_string_value(json_object_get(request, "problem"));
    rncl_problem problem;
    rncl_setting settings[MOST_SETTINGS];
    *count = read_settings(request, settings);
    if (!key || !rncl_problem_parse(key, &problem) || *count == 0)
        return RNCL_FAIL(RNCL_ERR_USAGE, "not a request");
    RNCL_TRY(set_up(s, &problem));
    if (*count > 1)
        return rncl_trial_compare(s->trial, settings, *count, times_ns);
    uint64_t drop_ns = (uint64_t)json_integer_value(json_object_get(request, "drop_ns"));
    return rncl_trial_run(s->trial, &settings[0], drop_ns, times_ns);
}

static json_t *reply_to(server *s, const json_t *request)
{
    uint64_t times_ns[MOST_SETTINGS];
    size_t count;
    if (answer(s, request, times_ns, &count) != RNCL_OK) {
        char *why = rncl_utf8_text(rncl_status_message());
        json_t *reply = json_pack("{s:s}", "error", why ? why : "out of memory");
        free(why);
        return reply;
    }
    json_t *times = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(times, json_integer((json_int_t)times_ns[i]));
    return json_pack("{s:o}", "times_ns", times);
}

rncl_status rncl_worker_serve(rncl_context *context, const rncl_trial_hook *hook)
{
    server s = {.context = context, .hook = hook};
    char *line = NULL;
    size_t room = 0;
    /* The worker dies with the tuner, even if that is killed. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (getline(&line, &room, stdin) > 0) {
        json_t *request;
        json_error_t unused;
        (void)rncl_json_parse(line, strlen(line), 0, &request, &unused);
        json_t *reply = reply_to(&s, request);
        char *text = rncl_json_format(reply, JSON_COMPACT);
        printf("%s\n", text ? text : "{}");
        fflush(stdout);
        free(text);
        json_decref(reply);
        json_decref(request);
    }
    free(line);
    rncl_trial_destroy(s.trial);
    return RNCL_OK;
}
