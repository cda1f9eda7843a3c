/* A flag for each picture, and the messages that nobody has been told yet. */
#include "skips.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_TOLD = 20 }; /* more than that are only counted */

struct rncl_skips {
    const rncl_log *log;
    pthread_mutex_t lock;
    bool *skipped; /* of each picture */
    uint32_t count;
    char *messages[MOST_TOLD]; /* of the first ones */
    uint32_t told;
};

rncl_status rncl_skips_create(uint32_t count, const rncl_log *log, rncl_skips **out)
{
    *out = NULL;
    rncl_skips *skips = calloc(1, sizeof *skips);
    bool *skipped = calloc((size_t)count + 1, sizeof *skipped);
    if (!skips || !skipped) {
        free(skips);
        free(skipped);
        return RNCL_FAIL(RNCL_ERR_MEMORY, "no memory to keep track of %u pictures", (unsigned)count);
    }
    skips->log = log;
    skips->skipped = skipped;
    pthread_mutex_init(&skips->lock, NULL);
    *out = skips;
    return RNCL_OK;
}

void rncl_skips_destroy(rncl_skips *skips)
{
    if (!skips)
        return;
    rncl_skips_report(skips);
    if (skips->count)
        rncl_log_line(skips->log, RNCL_LOG_WARNING,
                      "pictures that could not be read and were left out: %u; `rncl check-data` lists them",
                      (unsigned)skips->count);
    for (uint32_t i = 0; i < MOST_TOLD; i++)
        free(skips->messages[i]);
    pthread_mutex_destroy(&skips->lock);
    free(skips->skipped);
    free(skips);
}

void rncl_skips_add(rncl_skips *skips, uint32_t index, const char *message)
{
    pthread_mutex_lock(&skips->lock);
    if (!skips->skipped[index]) {
        skips->skipped[index] = true;
        if (skips->count < MOST_TOLD)
            skips->messages[skips->count] = strdup(message);
        skips->count++;
    }
    pthread_mutex_unlock(&skips->lock);
}

bool rncl_skips_has(rncl_skips *skips, uint32_t index)
{
    pthread_mutex_lock(&skips->lock);
    const bool has = skips->skipped[index];
    pthread_mutex_unlock(&skips->lock);
    return has;
}

void rncl_skips_report(rncl_skips *skips)
{
    pthread_mutex_lock(&skips->lock);
    const uint32_t count = skips->count < MOST_TOLD ? skips->count : MOST_TOLD;
    pthread_mutex_unlock(&skips->lock);
    for (; skips->told < count; skips->told++) {
        const char *message = skips->messages[skips->told];
        rncl_log_line(skips->log, RNCL_LOG_WARNING, "left out: %s", message ? message : "a picture");
    }
}
