/* CRC-32C (Castagnoli), as iSCSI (RFC 3720, appendix B.4) and TensorFlow's records have it. */
#ifndef RNCL_BASE_CRC32C_H
#define RNCL_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

uint32_t rncl_crc32c(const void *data, size_t size_bytes);

#endif
