/* Batches in memory from which the device reads (host_memory.h). */
#ifndef RNCL_TRAIN_BATCH_MEMORY_H
#define RNCL_TRAIN_BATCH_MEMORY_H

#include "context.h"
#include "loader.h"

/* The context must outlive the loader. */
rncl_batch_memory rncl_batch_memory_of(rncl_context *context);

#endif
