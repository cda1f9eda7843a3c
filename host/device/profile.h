/* Device time of each launch, summed under labels that the caller sets. */
#ifndef RNCL_DEVICE_PROFILE_H
#define RNCL_DEVICE_PROFILE_H

#include "context.h"

typedef struct rncl_profile_row {
    char label[96]; /* what the caller was doing */
    char kernel[48];
    unsigned launches;
    uint64_t time_ns;
} rncl_profile_row;

typedef struct rncl_profile {
    const char *label; /* of the next launches; set by the caller, must outlive them */
    struct rncl_profile_pending {
        cl_event event;
        const char *label;
        char kernel[48];
    } * pending;
    size_t pending_count, pending_capacity;
    rncl_profile_row *rows; /* in order of first launch */
    size_t row_count, row_capacity;
} rncl_profile;

/* Times all further launches of this context, which gets another queue for it. */
rncl_status rncl_profile_start(rncl_context *context);
void rncl_profile_destroy(rncl_profile *profile); /* takes NULL */

/* Keeps a launch's event and takes ownership of it. */
rncl_status rncl_profile_record(rncl_profile *profile, const char *kernel, cl_event event);

/* Waits for the queue and adds all kept launches to the rows. */
rncl_status rncl_profile_collect(rncl_context *context);

#endif
