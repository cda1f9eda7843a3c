/* The parent's side of a worker. */
#include "worker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "json_text.h"
#include "setting_json.h"
#include "util.h"

extern char **environ;

void rncl_worker_init(rncl_worker *worker, const char *const *arguments, int timeout_ms)
{
    *worker = (rncl_worker){.arguments = arguments, .timeout_ms = timeout_ms, .to = -1, .from = -1};
}

static void close_pipes(rncl_worker *worker)
{
    if (worker->to >= 0)
        close(worker->to);
    if (worker->from >= 0)
        close(worker->from);
    worker->to = worker->from = -1;
    free(worker->reply);
    worker->reply = NULL;
    worker->reply_size = 0;
}

/* Waits for the child to end, or kills it first. Returns its wait status. */
static int end(rncl_worker *worker, bool kill_it)
{
    int status = 0;
    if (kill_it)
        kill(worker->pid, SIGKILL);
    while (waitpid(worker->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    worker->pid = 0;
    close_pipes(worker);
    return status;
}

void rncl_worker_fini(rncl_worker *worker)
{
    if (worker->pid)
        end(worker, true);
}

/* Starts the child with its ends of the pipes as standard input and output. Standard error is discarded,
 * since drivers write to it. */
static int spawn(rncl_worker *worker, const int request[2], const int reply[2])
{
    posix_spawn_file_actions_t actions;
    int error = posix_spawn_file_actions_init(&actions);
    if (error)
        return error;
    posix_spawn_file_actions_adddup2(&actions, request[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, reply[1], STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    error = posix_spawn(&worker->pid, worker->arguments[0], &actions, NULL, (char *const *)worker->arguments,
                        environ);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

static rncl_status start(rncl_worker *worker)
{
    int request[2], reply[2];
    if (worker->pid)
        return RNCL_OK;
    /* A socket and not a pipe: sending can be done without SIGPIPE, whose handling belongs to the program
     * and not to the library. */
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, request) != 0)
        return RNCL_FAIL(RNCL_ERR_IO, "socketpair: %s", strerror(errno));
    if (pipe2(reply, O_CLOEXEC) != 0) {
        close(request[0]);
        close(request[1]);
        return RNCL_FAIL(RNCL_ERR_IO, "pipe: %s", strerror(errno));
    }
    int error = spawn(worker, request, reply);
    close(request[0]);
    close(reply[1]);
    worker->to = request[1];
    worker->from = reply[0];
    if (!error)
        return RNCL_OK;
    worker->pid = 0;
    close_pipes(worker);
    return RNCL_FAIL(RNCL_ERR_IO, "%s: %s", worker->arguments[0], strerror(error));
}

/* NULL when out of memory. */
static char *format(const rncl_worker_request *request)
{
    char key[RNCL_PROBLEM_KEY];
    rncl_problem_key(&request->problem, key);
    json_t *settings = json_array();
    for (size_t i = 0; i < request->count; i++)
        if (json_array_append_new(settings, rncl_setting_to_json(&request->settings[i]))) {
            json_decref(settings);
            return NULL;
        }
    json_t *object = json_pack("{s:s, s:I, s:o}", "problem", key, "drop_ns", (json_int_t)request->drop_ns,
                               "settings", settings);
    char *text = rncl_json_format(object, JSON_COMPACT), *line = text ? rncl_text_format("%s\n", text) : NULL;
    free(text);
    json_decref(object);
    return line;
}

/* False if the child no longer listens. */
static bool send_line(const rncl_worker *worker, const char *line)
{
    size_t left = strlen(line);
    while (left) {
        ssize_t sent = send(worker->to, line, left, MSG_NOSIGNAL); /* the child may have died */
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            break;
        line += sent;
        left -= (size_t)sent;
    }
    return left == 0;
}

/* Appends the bytes that have arrived. False at the end of the stream or when out of memory. */
static bool take_bytes(rncl_worker *worker)
{
    char bytes[512];
    ssize_t got = read(worker->from, bytes, sizeof bytes);
    if (got < 0 && errno == EINTR)
        return true;
    if (got <= 0)
        return false;
    char *grown = realloc(worker->reply, worker->reply_size + (size_t)got + 1);
    if (!grown)
        return false;
    memcpy(grown + worker->reply_size, bytes, (size_t)got);
    worker->reply = grown;
    worker->reply_size += (size_t)got;
    worker->reply[worker->reply_size] = '\0';
    return true;
}

static rncl_worker_outcome wait_for_reply(rncl_worker *worker)
{
    uint64_t deadline = rncl_time_ns() + (uint64_t)worker->timeout_ms * 1000000;
    while (!worker->reply || !strchr(worker->reply, '\n')) {
        uint64_t now = rncl_time_ns();
        struct pollfd source = {.fd = worker->from, .events = POLLIN};
        int ready = now < deadline ? poll(&source, 1, (int)((deadline - now) / 1000000) + 1) : 0;
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready == 0)
            return RNCL_WORKER_HUNG;
        if (ready < 0 || !take_bytes(worker))
            return RNCL_WORKER_DIED;
    }
    return RNCL_WORKER_DONE;
}

static rncl_worker_outcome read_reply(rncl_worker *worker, size_t count, uint64_t *times_ns, char why[128])
{
    json_t *reply;
    json_error_t unused;
    (void)rncl_json_parse(worker->reply, strlen(worker->reply), JSON_DISABLE_EOF_CHECK, &reply, &unused);
    const json_t *times = json_object_get(reply, "times_ns");
    const char *error = json_string_value(json_object_get(reply, "error"));
    rncl_worker_outcome outcome = RNCL_WORKER_DONE;
    if (json_array_size(times) == count) {
        for (size_t i = 0; i < count; i++)
            times_ns[i] = (uint64_t)json_integer_value(json_array_get(times, i));
    } else {
        snprintf(why, 128, "%s", error ? error : "no answer");
        outcome = RNCL_WORKER_REFUSED;
    }
    json_decref(reply);
    free(worker->reply);
    worker->reply = NULL;
    worker->reply_size = 0;
    return outcome;
}

static void explain_end(rncl_worker *worker, rncl_worker_outcome outcome, char why[128])
{
    int status = end(worker, true);
    if (outcome == RNCL_WORKER_HUNG)
        snprintf(why, 128, "no answer within %d s", worker->timeout_ms / 1000);
    else if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
        snprintf(why, 128, "died of signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        snprintf(why, 128, "died with exit status %d", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

rncl_status rncl_worker_ask(rncl_worker *worker, const rncl_worker_request *request,
                            rncl_worker_outcome *outcome, uint64_t *times_ns, char why[128])
{
    RNCL_TRY(start(worker));
    char *line = format(request);
    if (!line)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "request to a worker");
    *outcome = send_line(worker, line) ? wait_for_reply(worker) : RNCL_WORKER_DIED;
    free(line);
    if (*outcome == RNCL_WORKER_DONE)
        *outcome = read_reply(worker, request->count, times_ns, why);
    else
        explain_end(worker, *outcome, why);
    return RNCL_OK;
}
