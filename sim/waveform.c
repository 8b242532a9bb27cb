/* Reading a recording's shape. */
#include "sim/waveform.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "media/wav.h"

static uint8_t peak(struct wav *wav, uint32_t channel, size_t from, size_t to)
{
    int highest = 0;

    wav->channel = channel;
    for (size_t i = from; i < to; i++) {
        int s = wav_sample(wav, i);
        s = s < 0 ? -s : s;
        if (s > highest)
            highest = s;
    }
    return (uint8_t)(highest * 100 / 32768);
}

static bool draw(struct waveform *w, struct wav *wav)
{
    size_t points = wav->frames < WAVEFORM_POINTS ? wav->frames : WAVEFORM_POINTS;

    if (points == 0 || wav->rate_hz == 0)
        return false;
    w->points = (uint32_t)points;
    w->ms = (uint32_t)(wav->frames * 1000 / wav->rate_hz);
    for (size_t i = 0; i < points; i++) {
        size_t from = wav->frames * i / points, to = wav->frames * (i + 1) / points;
        w->far[i] = peak(wav, 1, from, to);
        w->near[i] = wav->channels == 2 ? peak(wav, 2, from, to) : 0;
    }
    return true;
}

bool waveform_read(struct waveform *w, const char *path)
{
    FILE *f = fopen(path, "re");
    bool ok = false;
    struct wav wav;
    long size = -1;

    memset(w, 0, sizeof *w);
    if (f && fseek(f, 0, SEEK_END) == 0)
        size = ftell(f);
    if (f && size > 0 && size <= (long)WAVEFORM_BYTES_MAX) {
        uint8_t *bytes = malloc((size_t)size);
        rewind(f);
        if (bytes && fread(bytes, 1, (size_t)size, f) == (size_t)size &&
            wav_parse(bytes, (size_t)size, &wav) == OK)
            ok = draw(w, &wav);
        free(bytes);
    }
    if (f)
        fclose(f);
    return ok;
}
