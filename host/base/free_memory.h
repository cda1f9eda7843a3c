/* How much memory this process may take. */
#ifndef RNCL_BASE_FREE_MEMORY_H
#define RNCL_BASE_FREE_MEMORY_H

#include <stddef.h>

/* Bytes that the machine can spare without swapping, no more than the limit of a container; 0 if it does not
 * say. */
size_t rncl_free_memory(void);

#endif
