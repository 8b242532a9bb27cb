/* See level.h. No libm: the only logarithms are steps of a decibel. */
#include "media/level.h"

#define DB             1.1220184543f /* a decibel as a factor of amplitude */
#define FULL_SCALE_DDB 31            /* a sine's level at full scale, dBm0 × 10 */
#define FULL_POWER     (32767.0f * 32767.0f / 2)

static float gain_of(int db)
{
    float g = 1;

    for (int i = 0; i < db; i++)
        g *= DB;
    for (int i = 0; i > db; i--)
        g /= DB;
    return g;
}

/* The power of a level, squared samples on average. */
static float power_of(int ddb)
{
    float g = gain_of((ddb - FULL_SCALE_DDB) / 10);

    return FULL_POWER * g * g;
}

bool level_set(struct level *l, int gain_db, bool agc)
{
    if (gain_db < -LEVEL_GAIN_MAX_DB || gain_db > LEVEL_GAIN_MAX_DB)
        return false;
    l->gain_db = (int8_t)gain_db;
    l->agc = agc;
    return true;
}

static int16_t cut(float v)
{
    return (int16_t)(v > 32767.0f ? 32767.0f : v < -32768.0f ? -32768.0f : v);
}

static void follow(struct level *l, const int16_t *in)
{
    float power = 0;

    if (l->follow <= 0)
        l->follow = 1;
    for (int i = 0; i < LEVEL_BLOCK; i++)
        power += (float)in[i] * in[i];
    power /= LEVEL_BLOCK;
    if (power < power_of(LEVEL_AGC_QUIET_DDB))
        return;
    float reached = power * l->follow * l->follow, wanted = power_of(LEVEL_AGC_DDB);
    float most = gain_of(LEVEL_AGC_MAX_DB);

    if (reached > wanted * DB)
        l->follow /= LEVEL_AGC_STEP;
    else if (reached < wanted / DB)
        l->follow *= 1 + (LEVEL_AGC_STEP - 1) / 4;
    l->follow = l->follow > most ? most : l->follow < 1 / most ? 1 / most : l->follow;
}

void level_apply(struct level *l, const int16_t *in, int16_t *out)
{
    float wanted = gain_of(l->gain_db);

    if (l->agc)
        follow(l, in);
    if (l->agc)
        wanted *= l->follow;
    if (!l->set)
        l->now = wanted;
    l->set = true;
    float g = l->now, step = (wanted - g) / LEVEL_BLOCK;

    for (int i = 0; i < LEVEL_BLOCK; i++) {
        g += step;
        out[i] = cut((float)in[i] * g);
    }
    l->now = wanted;
}

void limiter_apply(struct limiter *l, const int32_t *sum, int16_t *out)
{
    int32_t peak = 0;
    float g = l->gain > 0 ? l->gain : 1, wanted;

    for (int i = 0; i < LEVEL_BLOCK; i++) {
        int32_t v = sum[i] < 0 ? -sum[i] : sum[i];

        peak = v > peak ? v : peak;
    }
    wanted = g * LEVEL_RELEASE < 1 ? g * LEVEL_RELEASE : 1;
    if ((float)peak * wanted > LEVEL_CEILING)
        wanted = LEVEL_CEILING / (float)peak;
    if (wanted >= 1 && g >= 1) {
        for (int i = 0; i < LEVEL_BLOCK; i++)
            out[i] = (int16_t)sum[i];
        l->gain = 1;
        return;
    }
    int ramp = wanted < g ? LEVEL_ATTACK : LEVEL_BLOCK;
    float step = (wanted - g) / (float)ramp;

    for (int i = 0; i < LEVEL_BLOCK; i++) {
        g = i < ramp ? g + step : wanted;
        out[i] = cut((float)sum[i] * g);
    }
    l->gain = wanted;
}
