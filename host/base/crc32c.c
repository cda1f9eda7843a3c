/* Four bits at a time: the table is small, and records are short. */
#include "crc32c.h"

static uint32_t add_bits(uint32_t crc)
{
    static const uint32_t polynomial = 0x82f63b78; /* reflected */
    for (int bit = 0; bit < 4; bit++)
        crc = crc & 1 ? crc >> 1 ^ polynomial : crc >> 1;
    return crc;
}

uint32_t rncl_crc32c(const void *data, size_t size_bytes)
{
    uint32_t table[16], crc = ~UINT32_C(0);
    for (uint32_t i = 0; i < 16; i++)
        table[i] = add_bits(i);
    for (const unsigned char *byte = data, *end = byte + size_bytes; byte < end; byte++) {
        crc ^= *byte;
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}
