/* Damage as disks, transfers and people do it to files. */
#ifndef RNCL_TESTS_FAULTS_DAMAGE_H
#define RNCL_TESTS_FAULTS_DAMAGE_H

#include <stddef.h>
#include <stdint.h>

/* Numbers that a seed repeats. */
uint32_t damage_draw(uint64_t *random, uint32_t below);

/* Changes `size` bytes in place, within the first `within` of them; the new size, which is not larger. What
 * comes out always differs from what went in. size > 1. */
size_t damage_do(uint64_t *random, unsigned char *bytes, size_t size, size_t within);

#endif
