/* Runs processes. A failure of these functions themselves ends the program. */
#include "program_run.h"

#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int)(now.tv_sec % 1000000 * 1000 + now.tv_nsec / 1000000);
}

/* Processor time that the process has used; 0 when it has ended. */
static int used_ms(pid_t process)
{
    clockid_t clock;
    struct timespec used;
    if (clock_getcpuclockid(process, &clock) || clock_gettime(clock, &used))
        return 0;
    return (int)(used.tv_sec * 1000 + used.tv_nsec / 1000000);
}

static void redirect(const char *path, int descriptor)
{
    const int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (file < 0 || dup2(file, descriptor) < 0)
        err(1, "%s", path);
    close(file);
}

static _Noreturn void become(const program_run *run)
{
    setpgid(0, 0);
    if (chdir(run->folder))
        err(1, "%s", run->folder);
    redirect("output", STDOUT_FILENO);
    redirect("errors", STDERR_FILENO);
    execl("/bin/sh", "sh", "-c", run->command, (char *)NULL);
    _exit(99);
}

void program_run_do(program_run *run)
{
    const int started = now_ms();
    const pid_t child = fork();
    if (child < 0)
        err(1, "fork");
    if (child == 0)
        become(run);
    bool sent = false;
    int status;
    pid_t ended;
    run->hung = false;
    while ((ended = waitpid(child, &status, WNOHANG)) == 0) {
        run->took_ms = now_ms() - started;
        if (!sent && run->took_ms >= run->signal_ms) {
            for (int i = 0; i < PROGRAM_RUN_SIGNALS && run->signals[i]; i++)
                kill(child, run->signals[i]);
            sent = true;
        }
        /* On a busy machine a process may wait long for a processor. */
        if (used_ms(child) > run->limit_ms || run->took_ms > 10 * run->limit_ms) {
            run->hung = true;
            kill(-child, SIGKILL);
        }
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
    if (ended < 0)
        err(1, "waitpid");
    run->took_ms = now_ms() - started;
    run->exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    run->died_of = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

char *program_run_text(const char *folder, const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "r");
    size_t size = 0, room = 1 << 16;
    char *text = calloc(1, room);
    for (size_t got = 1; file && text && got; size += got) {
        if (room - size < 2)
            text = realloc(text, room *= 2);
        got = text ? fread(text + size, 1, room - size - 1, file) : 0;
    }
    if (!text)
        err(1, "%s", path);
    text[size] = '\0';
    if (file)
        fclose(file);
    return text;
}
