/* A terminal as far as rncl uses it: what a program writes to a pseudo-terminal ends up on a screen. */
#ifndef RNCL_TESTS_CLI_TERMINAL_H
#define RNCL_TESTS_CLI_TERMINAL_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "program.h"

enum { MOST_COLUMNS = 200, MOST_ROWS = 60 };

typedef struct terminal {
    pid_t child;
    int descriptor, columns, rows;
    char screen[MOST_ROWS][MOST_COLUMNS + 1]; /* anything but ASCII is a '?' */
    int column, row;                          /* column == columns: the last one has been written */
    char sequence[32];                        /* an escape sequence that has begun */
    size_t sequence_length;
    int wraps, sequences, colours; /* lines that were too long; escape sequences; those of colours */
    bool second_screen, cursor_hidden;
    int redraws; /* carriage returns and jumps home */
} terminal;

static void clear_from(terminal *t, int row, int column)
{
    memset(t->screen[row] + column, ' ', (size_t)(MOST_COLUMNS - column));
}

static void clear_screen(terminal *t)
{
    for (int row = 0; row < MOST_ROWS; row++)
        clear_from(t, row, 0);
}

static void next_line(terminal *t)
{
    if (++t->row < t->rows)
        return;
    t->row = t->rows - 1;
    memmove(t->screen[0], t->screen[1], (size_t)t->row * sizeof t->screen[0]);
    clear_from(t, t->row, 0);
}

/* Where a terminal erases from: it stands on the last column after writing there. */
static int erasing_column(const terminal *t)
{
    return t->column < t->columns ? t->column : t->columns - 1;
}

static void obey(terminal *t)
{
    const char *s = t->sequence + 1;
    t->sequences++;
    if (s[strlen(s) - 1] == 'm') {
        t->colours++;
    } else if (!strcmp(s, "[K")) {
        clear_from(t, t->row, erasing_column(t));
    } else if (!strcmp(s, "[J")) {
        clear_from(t, t->row, erasing_column(t));
        for (int row = t->row + 1; row < MOST_ROWS; row++)
            clear_from(t, row, 0);
    } else if (!strcmp(s, "[H")) {
        t->row = t->column = 0;
        t->redraws++;
    } else if (!strcmp(s, "[?1049h") || !strcmp(s, "[?1049l")) {
        t->second_screen = s[6] == 'h';
        clear_screen(t);
        t->row = t->column = 0;
    } else if (!strcmp(s, "[?25h") || !strcmp(s, "[?25l")) {
        t->cursor_hidden = s[4] == 'l';
    } else {
        fail_msg("this terminal does not know ESC %s", s);
    }
}

static void put(terminal *t, char c)
{
    if (((unsigned char)c & 0xc0) == 0x80)
        return;
    if (t->column == t->columns) {
        t->wraps++;
        t->column = 0;
        next_line(t);
    }
    t->screen[t->row][t->column++] = (unsigned char)c < 0x80 ? c : '?';
}

static void feed(terminal *t, char c)
{
    if (t->sequence_length) {
        assert_true(t->sequence_length + 1 < sizeof t->sequence);
        t->sequence[t->sequence_length++] = c;
        t->sequence[t->sequence_length] = '\0';
        if (t->sequence_length > 2 && c >= '@' && c <= '~') {
            obey(t);
            t->sequence_length = 0;
        }
    } else if (c == '\033') {
        t->sequence[t->sequence_length++] = c;
    } else if (c == '\r') {
        t->column = 0;
        t->redraws++;
    } else if (c == '\n') {
        next_line(t);
    } else {
        put(t, c);
    }
}

static void set_size(terminal *t, int columns, int rows)
{
    const struct winsize size = {.ws_col = (unsigned short)columns, .ws_row = (unsigned short)rows};
    assert_true(columns <= MOST_COLUMNS && rows <= MOST_ROWS);
    t->columns = columns;
    t->rows = rows;
    assert_int_equal(ioctl(t->descriptor, TIOCSWINSZ, &size), 0);
}

/* Starts a shell command in the folder, in a terminal. */
static void __attribute__((format(printf, 4, 5)))
start(terminal *t, int columns, int rows, const char *format, ...)
{
    const struct winsize size = {.ws_col = (unsigned short)columns, .ws_row = (unsigned short)rows};
    char what[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    *t = (terminal){.columns = columns, .rows = rows};
    clear_screen(t);
    t->child = forkpty(&t->descriptor, NULL, NULL, &size);
    if (t->child < 0 && (errno == ENOENT || errno == ENODEV)) {
        print_message("no pseudo-terminals here: is /dev/pts mounted?\n");
        skip();
    }
    assert_true(t->child >= 0);
    if (t->child == 0) {
        setenv("TERM", "xterm", 1);
        setenv("LC_ALL", "C.UTF-8", 1);
        if (chdir(program_folder) == 0)
            execl("/bin/sh", "sh", "-c", what, (char *)NULL);
        _exit(127);
    }
}

/* Shows what has been written; waits for it at most so long. False at the end. */
static bool show(terminal *t, int milliseconds)
{
    char bytes[4096];
    struct pollfd ready = {.fd = t->descriptor, .events = POLLIN};
    if (poll(&ready, 1, milliseconds) <= 0)
        return true;
    const ssize_t count = read(t->descriptor, bytes, sizeof bytes);
    for (ssize_t i = 0; i < count; i++)
        feed(t, bytes[i]);
    return count > 0;
}

/* Row of the screen that has this text; -1: none. */
static int row_with(const terminal *t, const char *text)
{
    for (int row = 0; row < t->rows; row++)
        if (strstr(t->screen[row], text))
            return row;
    return -1;
}

static void print_screen(const terminal *t)
{
    for (int row = 0; row < t->rows; row++)
        print_error("%.*s|\n", t->columns, t->screen[row]);
}

static void wait_for(terminal *t, const char *text)
{
    for (int seconds = 0; row_with(t, text) < 0; seconds++)
        if (!show(t, 1000) || seconds > 300) {
            print_screen(t);
            fail_msg("\"%s\" does not appear", text);
        }
}

/* Waits for the end; the exit status. */
static int finish(terminal *t)
{
    int status;
    while (show(t, 1000))
        ;
    assert_int_equal(waitpid(t->child, &status, 0), t->child);
    close(t->descriptor);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

#endif
