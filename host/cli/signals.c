/* Signals are blocked in all threads, and one thread takes them. Handlers would not do: drivers that contain
 * LLVM replace them, and put the default actions back at the first signal. */
#include "signals.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "util.h"

/* Two INT in less time are one wish: terminals and wrappers such as make may both send one. */
static const uint64_t impatience_ns = 300000000;

typedef struct taker {
    sigset_t set; /* to wait for */
    bool hangup_ignored;
    volatile sig_atomic_t *stop;
} taker;

rncl_status rncl_signals_fill_descriptors(void)
{
    for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; descriptor++) {
        if (fcntl(descriptor, F_GETFD) >= 0)
            continue;
        /* The lowest free number is this one. Only for reading: what is written still fails, and is told. */
        if (open("/dev/null", O_RDONLY) != descriptor)
            return RNCL_FAIL(RNCL_ERR_IO, "standard descriptor %d is closed, and /dev/null cannot stand in",
                             descriptor);
    }
    return RNCL_OK;
}

/* Writes past stdio, whose lock the main thread may hold, and only what a stuck terminal takes at once. */
static _Noreturn void end_at_once(void)
{
    static const char text[] =
        "\nrncl: interrupted twice, so nothing was saved at the end; continue from what "
        "was saved before with --resume\n";
    const size_t first = isatty(STDERR_FILENO) ? 0 : 1; /* leaves a live line */
    struct pollfd screen = {.fd = STDERR_FILENO, .events = POLLOUT};
    if (poll(&screen, 1, 0) == 1 && screen.revents == POLLOUT) {
        const ssize_t ignored = write(STDERR_FILENO, text + first, sizeof text - 1 - first);
        (void)ignored;
    }
    _exit(rncl_status_exit(RNCL_ERR_INTERRUPTED));
}

static void *take_signals(void *argument)
{
    const taker *t = argument;
    uint64_t interrupted_ns = 0;
    for (;;) {
        int number;
        if (sigwait(&t->set, &number) != 0 || (number == SIGHUP && t->hangup_ignored))
            continue;
        *t->stop = 1;
        if (number != SIGINT)
            continue;
        const uint64_t now = rncl_time_ns();
        if (!interrupted_ns)
            interrupted_ns = now;
        else if (now - interrupted_ns > impatience_ns)
            end_at_once();
    }
}

static bool is_ignored(int number)
{
    struct sigaction action;
    return sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

rncl_status rncl_signals_catch(volatile sig_atomic_t *stop)
{
    static const int ending[] = {SIGHUP, SIGINT, SIGTERM, SIGXCPU};
    static taker t; /* for as long as the process lives */
    t.stop = stop;
    t.hangup_ignored = is_ignored(SIGHUP);
    sigset_t blocked;
    sigemptyset(&t.set);
    for (size_t i = 0; i < COUNT(ending); i++)
        sigaddset(&t.set, ending[i]);
    blocked = t.set;
    sigaddset(&blocked, SIGPIPE);
    sigaddset(&blocked, SIGXFSZ);
    int error = pthread_sigmask(SIG_BLOCK, &blocked, NULL);
    pthread_t thread;
    if (!error)
        error = pthread_create(&thread, NULL, take_signals, &t);
    if (!error)
        error = pthread_detach(thread);
    if (error)
        return RNCL_FAIL(RNCL_ERR_FAILURE, "cannot start a thread for signals: %s", strerror(error));
    return RNCL_OK;
}
