/* ANSI's sequences, which all terminals of today know, in place of curses and its database. */
#include "watch_screen.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "util.h"

static const char enter[] = "\033[?1049h\033[?25l", leave[] = "\033[?25h\033[?1049l";

static struct {
    bool is_open, has_keys;
    struct termios before; /* of standard input */
    sigset_t mask_before;
} screen;

static volatile sig_atomic_t end_wanted, stop_wanted, size_changed;

static void note_signal(int number)
{
    if (number == SIGWINCH || number == SIGCONT)
        size_changed = 1;
    else if (number == SIGTSTP)
        stop_wanted = 1;
    else
        end_wanted = 1;
}

static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT, SIGWINCH};

static void take_terminal(void)
{
    if (screen.has_keys) {
        struct termios keys = screen.before;
        keys.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        keys.c_cc[VMIN] = 1;
        keys.c_cc[VTIME] = 0;
        tcsetattr(STDIN_FILENO, TCSANOW, &keys);
    }
    fputs(enter, stdout);
    fflush(stdout);
}

static void give_terminal(void)
{
    fputs(leave, stdout);
    fflush(stdout);
    if (screen.has_keys)
        tcsetattr(STDIN_FILENO, TCSANOW, &screen.before);
}

/* Signals are blocked except while the screen waits. */
rncl_status rncl_screen_open(void)
{
    sigset_t blocked;
    sigemptyset(&blocked);
    struct sigaction action = {.sa_handler = note_signal};
    for (size_t i = 0; i < COUNT(signals); i++) {
        sigaddset(&blocked, signals[i]);
        if (sigaction(signals[i], &action, NULL) != 0)
            return RNCL_FAIL(RNCL_ERR_FAILURE, "signal %d cannot be caught: %s", signals[i], strerror(errno));
    }
    sigprocmask(SIG_BLOCK, &blocked, &screen.mask_before);
    screen.has_keys = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &screen.before) == 0;
    screen.is_open = true;
    take_terminal();
    return RNCL_OK;
}

void rncl_screen_close(void)
{
    if (!screen.is_open)
        return;
    give_terminal();
    screen.is_open = false;
}

void rncl_screen_size(size_t *columns, size_t *rows)
{
    struct winsize window;
    const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col && window.ws_row;
    *columns = known ? window.ws_col : 80;
    *rows = known ? window.ws_row : 24;
}

/* Each line clears what was behind it, so that nothing flickers. */
void rncl_screen_show(const char *text)
{
    fputs("\033[H", stdout);
    for (const char *line = text; *line;) {
        const size_t length = strcspn(line, "\n");
        fprintf(stdout, "%.*s\033[K%s", (int)length, line, line[length] && line[length + 1] ? "\r\n" : "");
        line += length + (line[length] == '\n');
    }
    fputs("\033[J", stdout);
    fflush(stdout);
}

/* As the shell expects it of ^Z, with the terminal as it was meanwhile. */
static void stop_process(void)
{
    give_terminal();
    raise(SIGSTOP);
    take_terminal();
}

/* Whether one of the keys that have been pressed asks for the end. */
static bool read_keys(void)
{
    char keys[32];
    const ssize_t count = read(STDIN_FILENO, keys, sizeof keys);
    if (count <= 0) /* the terminal has gone */
        return true;
    return memchr(keys, 'q', (size_t)count) || memchr(keys, 'Q', (size_t)count);
}

rncl_screen_event rncl_screen_wait(int milliseconds)
{
    struct pollfd keys = {.fd = screen.has_keys ? STDIN_FILENO : -1, .events = POLLIN};
    const struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
    const bool pressed = ppoll(&keys, 1, &time, &screen.mask_before) > 0;
    if (end_wanted || (pressed && read_keys()))
        return RNCL_SCREEN_QUIT;
    if (stop_wanted) {
        stop_wanted = 0;
        stop_process();
        return RNCL_SCREEN_REDRAW;
    }
    if (size_changed) {
        size_changed = 0;
        return RNCL_SCREEN_REDRAW;
    }
    return RNCL_SCREEN_TIME_OVER;
}
