/* What a store consists of: store.c opens and changes it, store_kept.c makes one of a run's file. */
#ifndef RNCL_TUNE_STORE_STATE_H
#define RNCL_TUNE_STORE_STATE_H

#include "store_file.h"

struct rncl_store {
    rncl_device_info device;
    rncl_precision precision; /* of a file that is found by its name */
    rncl_log log;
    char *path; /* the file that is written: the user's */
    bool kept;  /* it has a run's results, and is not written */
    rncl_store_lines lines;
    rncl_setting found; /* by the last lookup */
    struct {
        bool valid;
        rncl_op_kind kind;
        char algorithm[RNCL_ALGORITHM_NAME];
        uint64_t hash;
    } hashed;
};

/* A store without lines. */
rncl_status rncl_store_create(const rncl_device_info *device, const rncl_log *log, rncl_store **out);

/* Drops results of other kernel sources; *dropped is their number. Warns where the driver has changed. */
rncl_status rncl_store_sift(rncl_store *store, size_t *dropped);

#endif
