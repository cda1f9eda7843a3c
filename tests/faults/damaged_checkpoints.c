/* Loads COUNT damaged checkpoints in one process: `damaged_checkpoints COUNT [SEED]`. Each must be refused
 * and change nothing. */
#include "checkpoint.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "damage.h"
#include "file.h"

enum { PARAMS = 3000, STATE = 100 };

typedef struct contents {
    rncl_run_state state;
    float params[PARAMS], running[STATE], velocity[PARAMS], average[PARAMS], average_running[STATE];
} contents;

int main(int argc, char **argv)
{
    const long count = argc > 1 ? atol(argv[1]) : 1000;
    uint64_t random = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    char folder[] = "/tmp/rncl-damage-XXXXXX", path[64];
    if (!mkdtemp(folder))
        err(1, "%s", folder);
    snprintf(path, sizeof path, "%s/last.ckpt", folder);
    static contents c, before;
    for (int i = 0; i < PARAMS; i++)
        c.params[i] = c.velocity[i] = c.average[i] = (float)damage_draw(&random, 1000);
    c.state = rncl_run_state_start();
    before = c;
    const rncl_network_vectors vectors = {c.params, c.running, c.velocity, c.average, c.average_running};
    const rncl_checkpoint checkpoint = {
        .path = path, .fingerprint = 9, .param_floats = PARAMS, .state_floats = STATE, .averaged = true};
    rncl_contents whole;
    if (rncl_checkpoint_save(&checkpoint, &c.state, &vectors) || rncl_file_read(path, &whole))
        errx(1, "%s", rncl_status_message());
    unsigned char *bytes = malloc(whole.size_bytes);
    long bad = 0;
    for (long i = 0; bytes && i < count; i++) {
        memcpy(bytes, whole.data, whole.size_bytes);
        const size_t size = damage_do(&random, bytes, whole.size_bytes, whole.size_bytes);
        FILE *file = fopen(path, "w");
        if (!file || fwrite(bytes, 1, size, file) != size || fclose(file))
            err(1, "%s", path);
        bad += rncl_checkpoint_load(&checkpoint, &c.state, &vectors) != RNCL_ERR_MODEL ||
               memcmp(&c, &before, sizeof c);
    }
    printf("%-12s %8ld of %6ld cases          %6ld bad\n", "checkpoints", count, count, bad);
    free(bytes);
    rncl_contents_free(&whole);
    unlink(path);
    rmdir(folder);
    return bad != 0;
}
