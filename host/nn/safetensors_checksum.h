/* The checksums that rncl writes into the metadata of its files. */
#ifndef RNCL_NN_SAFETENSORS_CHECKSUM_H
#define RNCL_NN_SAFETENSORS_CHECKSUM_H

#include <jansson.h>

#include "safetensors.h"

/* Of the tensors, and of the header. */
extern const char rncl_safetensors_key[], rncl_safetensors_header_key[];

/* As it stands in the metadata. */
enum { RNCL_SAFETENSORS_TEXT = 9 };
void rncl_safetensors_text(rncl_safetensors_checksum checksum, char text[RNCL_SAFETENSORS_TEXT]);

/* CRC-32 of the header without this checksum, as JSON without spaces and in the order of its keys: a program
 * that writes the same header in another way does not damage it.
 * `header` has metadata. RNCL_ERR_MEMORY; `path` is for the message. */
rncl_status rncl_safetensors_header(const char *path, json_t *header, char text[RNCL_SAFETENSORS_TEXT]);

#endif
