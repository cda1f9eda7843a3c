/* Mapped, decoded, let go of. */
#include "image_file.h"

#include "file.h"

rncl_status rncl_image_file_probe(const char *path, uint32_t *height, uint32_t *width)
{
    rncl_mapping file;
    RNCL_TRY(rncl_file_map(path, &file));
    rncl_status st = rncl_image_probe(file.data, file.size_bytes, height, width);
    rncl_file_unmap(&file);
    return st ? RNCL_FAIL(st, "%s: %s", path, rncl_status_message()) : RNCL_OK;
}

rncl_status rncl_image_file_decode(const char *path, uint32_t at_least, rncl_image *image)
{
    rncl_mapping file;
    RNCL_TRY(rncl_file_map(path, &file));
    rncl_status st = rncl_image_decode(file.data, file.size_bytes, at_least, image);
    rncl_file_unmap(&file);
    return st ? RNCL_FAIL(st, "%s: %s", path, rncl_status_message()) : RNCL_OK;
}
