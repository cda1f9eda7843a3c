/* Which folder a run gets. No run is ever written over another, and no two processes write in one. */
#include "run_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "file.h"
#include "util.h"

static const char parent[] = "runs";

static rncl_status join(const char *folder, const char *name, char path[RNCL_TEXT_LENGTH])
{
    if (snprintf(path, RNCL_TEXT_LENGTH, "%s/%s", folder, name) >= RNCL_TEXT_LENGTH)
        return RNCL_FAIL(RNCL_ERR_USAGE, "%.60s…/%s: longer than %d characters", folder, name,
                         RNCL_TEXT_LENGTH - 1);
    return RNCL_OK;
}

rncl_status rncl_run_folder_path(const rncl_options *options, const char *name, char path[RNCL_TEXT_LENGTH])
{
    return join(options->out, name, path);
}

/* ---- lock ---- */

/* The process that holds a lock on this file, as far as the kernel tells; 0: unknown. */
static pid_t find_holder(int descriptor)
{
    struct stat file;
    char line[256];
    pid_t holder = 0;
    FILE *locks = fopen("/proc/locks", "r");
    if (!locks || fstat(descriptor, &file))
        file.st_ino = 0;
    while (!holder && locks && fgets(line, sizeof line, locks)) {
        int process;
        unsigned long long inode;
        if (sscanf(line, "%*s FLOCK %*s %*s %d %*[^:]:%*[^:]:%llu", &process, &inode) == 2 &&
            inode == (unsigned long long)file.st_ino)
            holder = process;
    }
    if (locks)
        fclose(locks);
    return holder;
}

/* Whether a process has been killed or is on its way out. It keeps its locks until all its threads and its
 * memory are gone, which takes a while on a busy machine, and who killed it need not wait for that: mpirun
 * does not. */
static bool is_dying(pid_t process)
{
    enum { EXITING = 4 /* PF_EXITING of the kernel */ };
    char path[64], state;
    unsigned flags;
    unsigned long pending;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)process);
    FILE *file = fopen(path, "r");
    if (!file)
        return true; /* gone meanwhile */
    const int fields = fscanf(file,
                              "%*d (%*[^)]) %c %*d %*d %*d %*d %*d %u %*u %*u %*u %*u %*u %*u %*d %*d %*d "
                              "%*d %*d %*d %*u %*u %*d %*u %*u %*u %*u %*u %*u %lu",
                              &state, &flags, &pending);
    fclose(file);
    return fields == 3 &&
           (state == 'Z' || state == 'X' || (flags & EXITING) || (pending & 1UL << (SIGKILL - 1)));
}

/* As flock, but waits for a holder that dies, and for `rncl watch`, which has the lock for an instant when it
 * looks whether anybody trains there. */
static int lock_patiently(int descriptor)
{
    static const uint64_t instant_ns = 200000000, patience_ns = 60000000000;
    const uint64_t began_ns = rncl_time_ns();
    for (;;) {
        const int error = flock(descriptor, LOCK_EX | LOCK_NB);
        const uint64_t waited_ns = rncl_time_ns() - began_ns;
        if (!error || errno != EWOULDBLOCK || waited_ns > patience_ns)
            return error;
        const pid_t holder = waited_ns > instant_ns ? find_holder(descriptor) : 0;
        if (waited_ns > instant_ns && (!holder || !is_dying(holder)))
            return flock(descriptor, LOCK_EX | LOCK_NB); /* it may have gone between the looks */
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    }
}

static rncl_status take_lock(int descriptor, const char *folder, const rncl_log *log)
{
    if (lock_patiently(descriptor) == 0)
        return RNCL_OK;
    if (errno == EWOULDBLOCK)
        return RNCL_FAIL(
            RNCL_ERR_USAGE,
            "%.200s: another process is training in this folder; wait for it or end it, or choose "
            "another folder",
            folder);
    rncl_log_line(log, RNCL_LOG_WARNING,
                  "%s: this file system has no locks (%s): see to it that no other process trains there",
                  folder, strerror(errno));
    return RNCL_OK;
}

/* A process that was first, and failed, may have removed the folder between our looks at it. */
static rncl_status check_still_there(int descriptor, const char *folder)
{
    struct stat locked, named;
    if (fstat(descriptor, &locked) || stat(folder, &named) || locked.st_ino != named.st_ino ||
        locked.st_dev != named.st_dev)
        return RNCL_FAIL(RNCL_ERR_IO, "%s: was removed meanwhile; try again", folder);
    return RNCL_OK;
}

static rncl_status lock_folder(const char *folder, const rncl_log *log, rncl_run_lock *lock)
{
    lock->descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (lock->descriptor < 0)
        return RNCL_FAIL(RNCL_ERR_IO, "%s: cannot open the folder: %s", folder, strerror(errno));
    RNCL_TRY(take_lock(lock->descriptor, folder, log));
    RNCL_TRY(check_still_there(lock->descriptor, folder));
    lock->folder = strdup(folder);
    return lock->folder ? RNCL_OK : RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory for its name", folder);
}

void rncl_run_folder_unlock(rncl_run_lock *lock)
{
    /* rmdir leaves a folder alone that has something in it. */
    if (lock->created && lock->folder)
        rmdir(lock->folder);
    if (lock->descriptor >= 0)
        close(lock->descriptor);
    free(lock->folder);
    *lock = RNCL_RUN_LOCK_NONE;
}

/* ---- choice ---- */

/* Programs built on PyTorch resume from a file, so people give ours. */
static void drop_checkpoint_name(char path[RNCL_TEXT_LENGTH])
{
    char *slash = strrchr(path, '/');
    if (strcmp(slash ? slash + 1 : path, RNCL_RUN_CHECKPOINT) != 0 || rncl_directory_exists(path))
        return;
    if (!slash)
        memcpy(path, ".", sizeof ".");
    else
        slash[slash == path] = '\0';
}

/* A run may go on in another precision. */
static rncl_status tell_precision(const rncl_options *options, const char *config, const rncl_log *log)
{
    rncl_options before;
    rncl_options_init(&before);
    RNCL_TRY(rncl_options_read(&before, config, RNCL_FOR_TRAIN));
    if (before.precision != options->precision)
        rncl_log_line(log, RNCL_LOG_NOTE, "precision %s from here on; the run so far had %s",
                      rncl_precision_name(options->precision), rncl_precision_name(before.precision));
    return RNCL_OK;
}

static rncl_status choose_resumed(rncl_options *options, const rncl_log *log, rncl_run_lock *lock)
{
    char path[RNCL_TEXT_LENGTH];
    if (options->out[0])
        return RNCL_FAIL(RNCL_ERR_USAGE, "--resume %.200s continues in that folder; leave --out away",
                         options->resume);
    if (rncl_option_source_of(options, "init") == RNCL_FROM_COMMAND_LINE)
        return RNCL_FAIL(RNCL_ERR_USAGE,
                         "--resume %.200s continues with that run's weights; leave --init away",
                         options->resume);
    drop_checkpoint_name(options->resume);
    RNCL_TRY(join(options->resume, RNCL_RUN_CHECKPOINT, path));
    if (!rncl_file_may_exist(path))
        return RNCL_FAIL(RNCL_ERR_MODEL, "%s: no such checkpoint; --resume takes the folder of a run", path);
    RNCL_TRY(lock_folder(options->resume, log, lock));
    RNCL_TRY(join(options->resume, RNCL_RUN_CONFIG, path));
    RNCL_TRY(rncl_options_read(options, path, RNCL_FOR_TRAIN));
    RNCL_TRY(tell_precision(options, path, log));
    memcpy(options->out, options->resume, sizeof options->out);
    return RNCL_OK;
}

static rncl_status choose_named(rncl_options *options, const rncl_log *log, rncl_run_lock *lock)
{
    char path[RNCL_TEXT_LENGTH];
    RNCL_TRY(join(options->out, RNCL_RUN_CHECKPOINT, path));
    const bool there = rncl_directory_exists(options->out);
    RNCL_TRY(rncl_directory_create(options->out));
    RNCL_TRY(lock_folder(options->out, log, lock));
    lock->created = !there;
    if (rncl_file_may_exist(path))
        return RNCL_FAIL(RNCL_ERR_USAGE,
                         "--out %.200s holds a run; continue it with --resume, or choose another folder",
                         options->out);
    return RNCL_OK;
}

rncl_status rncl_run_folder_choose(rncl_options *options, const rncl_log *log, rncl_run_lock *lock)
{
    if (options->resume[0])
        return choose_resumed(options, log, lock);
    return options->out[0] ? choose_named(options, log, lock) : RNCL_OK;
}

/* mkdir, which says whether the folder is new, decides between runs that start in the same second. */
static rncl_status create_dated(rncl_options *options, const rncl_log *log, rncl_run_lock *lock)
{
    char date[32];
    const time_t now = time(NULL);
    struct tm local;
    localtime_r(&now, &local);
    strftime(date, sizeof date, "%Y%m%d-%H%M%S", &local);
    RNCL_TRY(rncl_directory_create(parent));
    for (int again = 1;; again++) {
        char suffix[16] = "";
        if (again > 1)
            snprintf(suffix, sizeof suffix, "-%d", again);
        snprintf(options->out, sizeof options->out, "%s/%s-%s-%d%s", parent, date,
                 rncl_arch_name(options->network.arch), options->network.depth, suffix);
        if (mkdir(options->out, 0777) == 0)
            return lock_folder(options->out, log, lock);
        if (errno != EEXIST)
            return RNCL_FAIL(RNCL_ERR_IO, "%s: cannot create the folder: %s", options->out, strerror(errno));
    }
}

rncl_status rncl_run_folder_create(rncl_options *options, const rncl_log *log, rncl_run_lock *lock)
{
    return options->out[0] ? RNCL_OK : create_dated(options, log, lock);
}
