/* Checkpoints. After an even first byte follows the file as it is. After an odd one its checksum is
 * corrected, so that the code after the checksum is reached too. */
#include "checkpoint.h"

#include "fuzz.h"
#include "util.h"

enum { PARAMS = 5, STATE = 2, FINGERPRINT = 7 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const size_t length = size - 1;
    uint8_t *file = malloc(length + 1);
    memcpy(file, data + 1, length);
    if (data[0] & 1 && length >= sizeof(uint64_t)) {
        const uint64_t hash = rncl_hash(RNCL_HASH_START, file, length - sizeof hash);
        memcpy(file + length - sizeof hash, &hash, sizeof hash);
    }
    struct {
        rncl_run_state state;
        float params[PARAMS], running[STATE], velocity[PARAMS], average[PARAMS], average_running[STATE];
    } all, before;
    memset(&all, 0x55, sizeof all);
    before = all;
    const rncl_network_vectors vectors = {all.params,  all.running,         all.velocity,
                                          all.average, all.average_running, NULL};
    const rncl_checkpoint checkpoint = {.path = fuzz_file("last.ckpt", file, length),
                                        .fingerprint = FINGERPRINT,
                                        .param_floats = PARAMS,
                                        .state_floats = STATE,
                                        .averaged = (data[0] & 2) != 0};
    if (rncl_checkpoint_load(&checkpoint, &all.state, &vectors))
        FUZZ_CHECK(!memcmp(&all, &before, sizeof all));
    else
        FUZZ_CHECK(all.state.step >= 0);
    free(file);
    return 0;
}
