// Predicts pixels that are in memory, with C++: predict_pixels MODEL.safetensors
// The images are stripes as train_in_memory draws them, whose model it is meant for.
#include <cstdint>
#include <cstdio>
#include <memory>
#include <rncl/rncl.h>
#include <stdexcept>
#include <vector>

struct Destroy {
    void operator()(rncl_session *session) const
    {
        rncl_session_destroy(session);
    }
    void operator()(rncl_predictor *predictor) const
    {
        rncl_predictor_destroy(predictor);
    }
};

static void check(rncl_status status)
{
    if (status)
        throw std::runtime_error(rncl_status_message());
}

static std::vector<std::uint8_t> stripes(int count, int size)
{
    std::vector<std::uint8_t> pixels;
    for (int i = 0; i < count; i++)
        for (int y = 0; y < size; y++)
            for (int x = 0; x < size; x++)
                pixels.push_back((i % 2 ? x : y) / 3 % 2 ? 200 : 50);
    return pixels;
}

static rncl_status collect(void *user, const rncl_prediction *prediction)
{
    static_cast<std::vector<rncl_answer> *>(user)->push_back(prediction->top[0]);
    return RNCL_OK;
}

int main(int argc, char **argv)
try {
    rncl_session *session = nullptr;
    check(rncl_session_create(&session));
    const std::unique_ptr<rncl_session, Destroy> keeps_session(session);
    check(rncl_session_set(session, "model", argc > 1 ? argv[1] : ""));
    rncl_predictor *predictor = nullptr;
    check(rncl_predictor_create(session, &predictor));
    const std::unique_ptr<rncl_predictor, Destroy> keeps_predictor(predictor);

    const int count = 4, size = 16;
    const std::vector<std::uint8_t> pixels = stripes(count, size);
    rncl_image_set images = {};
    images.count = count;
    images.height = images.width = size;
    images.channels = 1;
    images.pixels = pixels.data();

    std::vector<rncl_answer> answers; // labels live as long as the predictor
    const rncl_prediction_sink sink = {collect, &answers};
    check(rncl_predictor_images(predictor, &images, &sink));
    for (const rncl_answer &answer : answers)
        std::printf("%s, to %.1f %%\n", answer.label ? answer.label : "?", 100 * answer.probability);
    return 0;
} catch (const std::exception &problem) {
    std::fprintf(stderr, "predict_pixels: %s\n", problem.what());
    return 1;
}
