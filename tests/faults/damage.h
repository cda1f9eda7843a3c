/* Typical damage to files by disks, transfers and people. */
#ifndef RNCL_TESTS_FAULTS_DAMAGE_H
#define RNCL_TESTS_FAULTS_DAMAGE_H

#include <stddef.h>
#include <stdint.h>

/* Random numbers, reproducible by the seed. */
uint32_t damage_draw(uint64_t *random, uint32_t below);

/* Damages `size` bytes in place, within the first `within` of them. Returns the new size, which is not
 * larger. The result always differs from the original. size > 1. */
size_t damage_do(uint64_t *random, unsigned char *bytes, size_t size, size_t within);

#endif
