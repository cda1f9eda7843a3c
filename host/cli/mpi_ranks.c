/* Ranks on MPI, of which only messages between pairs are used. One lock is around all calls, and waiting is
 * testing with pauses: a wait of MPI's own keeps a core busy that the device may need.
 *
 * A thread sends a beat to some of the others and listens to some: those 1, 2, 4 … places away. Where one has
 * been silent for long, because it has died or the network has been cut, the job ends: MPI itself may wait
 * for minutes. Silence is counted in own beats, so that a rank that stood still does not blame others. No
 * limit is set to steps, which may take long.
 *
 * Whoever finds that the job must end tells rank 0, whose exchanges then fail, so that it can save before it
 * ends the job. For that it has a little time. */
#include "mpi_ranks.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "installation.h"
#include "local_peers.h"
#include "mpi_calls.h"
#include "options.h"
#include "rncl/version.h"
#include "util.h"

/* From the file that is loaded for as long as the process lives. */
static const rncl_mpi_calls *mpi;

enum { DATA_TAG = 1, BEAT_TAG = 2, NOTICE_TAG = 3, MOST_PARTNERS = 31 };

/* What one message may hold: counts of MPI are ints. */
static const size_t most_bytes = (size_t)1 << 30;

static const long pause_ns = 50000;

/* Rank 0 ends the job before the others lose patience. */
enum { BEAT_MS = 250, MOST_SILENT_BEATS = 20, GRACE_OF_FIRST_MS = 2500, GRACE_MS = 3000 };

/* One rank that hears from this one, and one that it hears from. */
typedef struct partner {
    int to, from;
    rncl_mpi_request sent, heard;
    char out, in;
    int silent; /* own beats since it was heard */
} partner;

/* Why the job must end. */
typedef struct notice {
    rncl_status status;
    char text[1024];
} notice;

typedef struct job {
    rncl_ranks ranks;
    pthread_mutex_t lock;
    pthread_t thread;
    atomic_bool ending, leaving; /* leaving: others may have gone because all is done */
    partner partners[MOST_PARTNERS];
    int partner_count;
    rncl_local_peers peers;
    rncl_mpi_request heard; /* of rank 0: a notice of anybody's */
    notice heard_notice;
    notice found; /* of rank 0: valid when `failed` is set */
    atomic_bool failed;
} job;

static void pause_for(long time_ns)
{
    nanosleep(&(struct timespec){.tv_nsec = time_ns}, NULL);
}

/* ---- the end ---- */

static void *end_soon(void *status)
{
    sleep(1);
    _exit(*(const int *)status);
}

/* MPI_Abort may itself wait for a network that is not there. */
static _Noreturn void abort_job(rncl_status status)
{
    static int exit_status;
    pthread_t thread;
    exit_status = rncl_status_exit(status);
    fflush(NULL);
    if (pthread_create(&thread, NULL, end_soon, &exit_status) == 0)
        mpi->abort(exit_status);
    _exit(exit_status);
}

static _Noreturn void tell_and_abort(const notice *why)
{
    fprintf(stderr, "\nrncl: %s; continue from what was saved with --resume\n", why->text);
    abort_job(why->status);
}

/* Another rank than 0: hands it over to rank 0, if that can be reached. */
static _Noreturn void tell_first(job *j, const notice *why)
{
    rncl_mpi_request sent;
    bool done;
    pthread_mutex_lock(&j->lock);
    mpi->send(why, sizeof *why, 0, NOTICE_TAG, &sent);
    pthread_mutex_unlock(&j->lock);
    for (const uint64_t end_ns = rncl_time_ns() + GRACE_MS * UINT64_C(1000000); rncl_time_ns() < end_ns;) {
        pthread_mutex_lock(&j->lock);
        mpi->test(1, &sent, &done);
        pthread_mutex_unlock(&j->lock);
        pause_for(BEAT_MS * 100000L);
    }
    tell_and_abort(why);
}

/* Found by the thread of the beats. From here on rank 0 makes no calls of MPI but one: memory that messages
 * arrive in may go while its main thread comes back from an exchange. */
static _Noreturn void end_job(job *j, const notice *why)
{
    if (j->ranks.index)
        tell_first(j, why);
    j->found = *why;
    atomic_store(&j->failed, true);
    rncl_local_peers_wait(&(rncl_local_peers){0}, GRACE_OF_FIRST_MS);
    tell_and_abort(why);
}

/* ---- beats ---- */

static void beat_once(partner *p)
{
    bool done = false;
    mpi->test(1, &p->sent, &done);
    if (done) /* of a beat that cannot be sent there is one only */
        mpi->send(&p->out, 1, p->to, BEAT_TAG, &p->sent);
    mpi->test(1, &p->heard, &done);
    p->silent++;
    if (!done)
        return;
    p->silent = 0;
    mpi->receive(&p->in, 1, p->from, BEAT_TAG, &p->heard);
}

static void __attribute__((format(printf, 2, 3))) note(notice *out, const char *format, ...)
{
    va_list arguments;
    out->status = RNCL_ERR_IO;
    va_start(arguments, format);
    vsnprintf(out->text, sizeof out->text, format, arguments);
    va_end(arguments);
}

/* Any reason to end the job: out->status. */
static void beat_all(job *j, notice *out)
{
    bool told = false;
    pthread_mutex_lock(&j->lock);
    for (int i = 0; i < j->partner_count; i++)
        beat_once(&j->partners[i]);
    if (j->ranks.index == 0)
        mpi->test(1, &j->heard, &told);
    pthread_mutex_unlock(&j->lock);
    if (told)
        *out = j->heard_notice;
    for (int i = 0; i < j->partner_count && !told; i++)
        if (j->partners[i].silent > MOST_SILENT_BEATS)
            note(out, "rank %d hears nothing from rank %d any more", j->ranks.index, j->partners[i].from);
}

static void *beat(void *argument)
{
    job *j = argument;
    notice why = {0};
    while (!atomic_load(&j->ending)) {
        beat_all(j, &why);
        const int dead = why.status ? -1 : rncl_local_peers_wait(&j->peers, BEAT_MS);
        if (dead >= 0 && atomic_load(&j->leaving))
            pause_for(BEAT_MS * 1000000L);
        else if (dead >= 0)
            note(&why, "rank %d has died", dead);
        if (why.status)
            end_job(j, &why);
    }
    return NULL;
}

static rncl_status start_beats(job *j)
{
    const int count = j->ranks.count;
    for (int distance = 1; distance < count; distance *= 2) {
        partner *p = &j->partners[j->partner_count++];
        *p = (partner){.to = (j->ranks.index + distance) % count,
                       .from = (j->ranks.index - distance + count) % count,
                       .sent = mpi->none()};
        mpi->receive(&p->in, 1, p->from, BEAT_TAG, &p->heard);
    }
    if (j->ranks.index == 0)
        mpi->receive(&j->heard_notice, sizeof j->heard_notice, mpi->anybody, NOTICE_TAG, &j->heard);
    const int error = pthread_create(&j->thread, NULL, beat, j);
    return error ? RNCL_FAIL(RNCL_ERR_FAILURE, "cannot start a thread for MPI: %s", strerror(error))
                 : RNCL_OK;
}

static void stop_beats(job *j)
{
    atomic_store(&j->ending, true);
    pthread_join(j->thread, NULL);
    for (int i = 0; i < j->partner_count; i++) {
        partner *p = &j->partners[i];
        mpi->wait(&p->sent);
        mpi->cancel(&p->heard);
        mpi->wait(&p->heard);
    }
    if (j->ranks.index == 0) {
        mpi->cancel(&j->heard);
        mpi->wait(&j->heard);
    }
}

/* ---- messages ---- */

static rncl_status fail(int error)
{
    char text[256];
    mpi->error_text(error, text, sizeof text);
    return RNCL_FAIL(RNCL_ERR_IO, "no messages to other ranks any more: %s", text);
}

/* Of all messages what one of MPI's may hold, beginning at `first` bytes. *left: there was any. */
static int post(const rncl_message *messages, size_t count, size_t first, rncl_mpi_request *requests,
                bool *left)
{
    int error = 0;
    *left = false;
    for (size_t i = 0; i < count && !error; i++) {
        const rncl_message *m = &messages[i];
        requests[i] = mpi->none();
        if (m->in_bytes <= first)
            continue;
        *left = true;
        error = mpi->receive((char *)m->in + first, (int)MIN(m->in_bytes - first, most_bytes), m->from,
                             DATA_TAG, &requests[i]);
    }
    for (size_t i = 0; i < count && !error; i++) {
        const rncl_message *m = &messages[i];
        requests[count + i] = mpi->none();
        if (m->out_bytes <= first)
            continue;
        *left = true;
        error = mpi->send((const char *)m->out + first, (int)MIN(m->out_bytes - first, most_bytes), m->to,
                          DATA_TAG, &requests[count + i]);
    }
    return error;
}

static rncl_status wait_for(job *j, size_t count, rncl_mpi_request *requests)
{
    enum { BUSY = 100 }; /* tests before pauses are made: a short message is there at once */
    for (int tests = 0;; tests++) {
        bool done;
        pthread_mutex_lock(&j->lock);
        const int error = mpi->test((int)count, requests, &done);
        pthread_mutex_unlock(&j->lock);
        if (error)
            return fail(error);
        if (done)
            return RNCL_OK;
        if (atomic_load(&j->failed))
            return RNCL_FAIL(j->found.status, "%s", j->found.text);
        if (tests < BUSY)
            sched_yield();
        else
            pause_for(pause_ns);
    }
}

static rncl_status exchange(rncl_ranks *ranks, const rncl_message *messages, size_t count)
{
    rncl_mpi_request requests[2 * RNCL_MESSAGES_AT_ONCE];
    job *j = ranks->carrier;
    bool left = true;
    for (size_t first = 0; left; first += most_bytes) {
        if (atomic_load(&j->failed))
            return RNCL_FAIL(j->found.status, "%s", j->found.text);
        pthread_mutex_lock(&j->lock);
        const int error = post(messages, count, first, requests, &left);
        pthread_mutex_unlock(&j->lock);
        if (error)
            return fail(error);
        RNCL_TRY(wait_for(j, 2 * count, requests));
    }
    return RNCL_OK;
}

/* ---- opening and closing ---- */

bool rncl_mpi_launched(void)
{
    static const char *const signs[] = {"OMPI_COMM_WORLD_SIZE", "PMI_RANK", "PMIX_RANK"};
    for (size_t i = 0; i < COUNT(signs); i++)
        if (getenv(signs[i]))
            return true;
    return false;
}

static rncl_status load(void)
{
    static const char *const folders[] = {".", RNCL_MPI_FROM_BIN, RNCL_MPI_INSTALLED, NULL};
    char *path;
    RNCL_TRY(rncl_installation_find(folders, "rncl-mpi.so", &path));
    if (!path)
        return RNCL_FAIL(RNCL_ERR_USAGE,
                         "without rncl-mpi.so rncl trains on one device, and not under mpirun; install "
                         "the package rncl-mpi, or build rncl where MPI is installed");
    /* Open MPI's own modules look for its symbols among everybody's. */
    void *library = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
    free(path);
    mpi = library ? dlsym(library, RNCL_MPI_CALLS) : NULL;
    return mpi ? RNCL_OK : RNCL_FAIL(RNCL_ERR_USAGE, "MPI cannot be loaded: %s", dlerror());
}

/* PoCL would give each rank a thread for every core. */
static void share_cores(const rncl_ranks *ranks)
{
    char threads[16];
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed))
        return;
    const int cores = (int)sysconf(_SC_NPROCESSORS_ONLN) / ranks->local_count;
    snprintf(threads, sizeof threads, "%d", MAX(MIN(cores, CPU_COUNT(&allowed)), 1));
    setenv("POCL_MAX_PTHREAD_COUNT", threads, 0);
    setenv("POCL_CPU_MAX_CU_COUNT", threads, 0);
}

/* Ranks send their options as they lie in memory. */
static rncl_status compare_programs(rncl_ranks *ranks)
{
    char mine[64];
    const void *gathered;
    memset(mine, 0, sizeof mine);
    snprintf(mine, sizeof mine, "%s, %zu", RNCL_VERSION, sizeof(rncl_options));
    RNCL_TRY(rncl_ranks_gather(ranks, mine, sizeof mine, &gathered));
    const char(*all)[sizeof mine] = gathered;
    for (int i = 1; i < ranks->count; i++)
        if (memcmp(all[0], all[i], sizeof mine) != 0) {
            ranks->agreed = true;
            return RNCL_FAIL(RNCL_ERR_USAGE, "rank %d is another version of rncl than rank 0", i);
        }
    return RNCL_OK;
}

rncl_status rncl_mpi_open(rncl_ranks **out)
{
    *out = NULL;
    if (!rncl_mpi_launched())
        return RNCL_OK;
    RNCL_TRY(load());
    job *j = calloc(1, sizeof *j);
    if (!j)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "ranks");
    rncl_mpi_place place;
    if (!mpi->start(&place)) {
        free(j);
        return RNCL_FAIL(RNCL_ERR_FAILURE, "this MPI cannot be called by several threads");
    }
    pthread_mutex_init(&j->lock, NULL);
    j->ranks = (rncl_ranks){.index = place.index,
                            .count = place.count,
                            .local_index = place.local_index,
                            .local_count = place.local_count,
                            .exchange = exchange,
                            .carrier = j};
    share_cores(&j->ranks);
    rncl_status st = rncl_local_peers_open(&j->ranks, &j->peers);
    if (!st)
        st = start_beats(j);
    if (!st)
        st = compare_programs(&j->ranks);
    if (st) {
        rncl_mpi_close(&j->ranks, st);
        return st;
    }
    *out = &j->ranks;
    return RNCL_OK;
}

static _Noreturn void fail_alone(rncl_ranks *ranks, rncl_status status)
{
    notice why = {.status = status};
    if (ranks->index) {
        snprintf(why.text, sizeof why.text, "rank %d: %.900s", ranks->index, rncl_status_message());
        tell_first(ranks->carrier, &why);
    }
    fprintf(stderr, "rncl: %s\n", rncl_status_message());
    abort_job(status);
}

void rncl_mpi_close(rncl_ranks *ranks, rncl_status status)
{
    const void *ignored;
    if (!ranks)
        return;
    job *j = ranks->carrier;
    if (status && !ranks->agreed)
        fail_alone(ranks, status);
    /* Whoever has left is silent. */
    atomic_store(&j->leaving, true);
    const rncl_status left = rncl_ranks_gather(ranks, "", 1, &ignored);
    if (left)
        fail_alone(ranks, left);
    const bool first = rncl_ranks_first(ranks);
    stop_beats(j);
    mpi->finish();
    rncl_local_peers_close(&j->peers);
    rncl_ranks_fini(ranks);
    pthread_mutex_destroy(&j->lock);
    free(j);
    if (!first) /* launchers kill the rest where one ends badly, and rank 0 is about to tell why */
        exit(0);
}
