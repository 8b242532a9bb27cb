/* See ogg.h. The checksum is the CRC of RFC 3533 section 6: polynomial 0x04c11db7, from 0, bits not
 * reflected, over the page with its own field zero. */
#include "media/ogg.h"

#include <string.h>

#define HEADER_BYTES 27
#define CRC_AT       22
#define FLAG_FIRST   2
#define FLAG_LAST    4

uint32_t ogg_crc(uint32_t crc, const uint8_t *p, size_t n)
{
    static _Thread_local uint32_t table[256];
    static _Thread_local bool made;

    if (!made) {
        for (uint32_t i = 0; i < 256; i++) {
            uint32_t r = i << 24;

            for (int bit = 0; bit < 8; bit++)
                r = r << 1 ^ (r & 0x80000000u ? 0x04c11db7u : 0);
            table[i] = r;
        }
        made = true;
    }
    for (size_t i = 0; i < n; i++)
        crc = crc << 8 ^ table[(crc >> 24 ^ p[i]) & 0xff];
    return crc;
}

static void put(uint8_t *p, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

void ogg_init(struct ogg *o, uint32_t serial)
{
    o->serial = serial;
    o->sequence = o->segments = o->payload = 0;
}

bool ogg_add(struct ogg *o, const uint8_t *packet, uint32_t n)
{
    uint32_t lacing = n / 255 + 1;

    if (o->segments + lacing > OGG_SEGMENTS_MAX || o->payload + n > OGG_PAYLOAD_MAX)
        return false;
    for (uint32_t i = 0; i + 1 < lacing; i++)
        o->lacing[o->segments++] = 255;
    o->lacing[o->segments++] = (uint8_t)(n % 255);
    memcpy(o->body + o->payload, packet, n);
    o->payload += n;
    return true;
}

uint32_t ogg_page(struct ogg *o, uint64_t granule, bool last, uint8_t *dst)
{
    uint32_t len = HEADER_BYTES + o->segments + o->payload;

    memcpy(dst, "OggS", 4);
    dst[4] = 0;
    dst[5] = (uint8_t)((o->sequence == 0 ? FLAG_FIRST : 0) | (last ? FLAG_LAST : 0));
    put(dst + 6, granule, 8);
    put(dst + 14, o->serial, 4);
    put(dst + 18, o->sequence++, 4);
    put(dst + CRC_AT, 0, 4);
    dst[26] = (uint8_t)o->segments;
    memcpy(dst + HEADER_BYTES, o->lacing, o->segments);
    memcpy(dst + HEADER_BYTES + o->segments, o->body, o->payload);
    put(dst + CRC_AT, ogg_crc(0, dst, len), 4);
    o->segments = o->payload = 0;
    return len;
}

uint32_t ogg_opus_head(uint8_t dst[OGG_OPUS_HEAD_MAX], uint32_t channels, uint32_t skip_48k,
                       uint32_t input_rate_hz)
{
    memcpy(dst, "OpusHead", 8);
    dst[8] = 1;
    dst[9] = (uint8_t)channels;
    put(dst + 10, skip_48k, 2);
    put(dst + 12, input_rate_hz, 4);
    put(dst + 16, 0, 2);
    if (channels == 1) {
        dst[18] = 0;
        return 19;
    }
    dst[18] = 1; /* mapping family */
    dst[19] = 2; /* streams */
    dst[20] = 0; /* of them coupled */
    dst[21] = 0;
    dst[22] = 1;
    return 23;
}

uint32_t ogg_opus_tags(uint8_t dst[OGG_OPUS_TAGS_MAX], const char *vendor)
{
    uint32_t n = (uint32_t)strnlen(vendor, OGG_OPUS_TAGS_MAX - 16);

    memcpy(dst, "OpusTags", 8);
    put(dst + 8, n, 4);
    memcpy(dst + 12, vendor, n);
    put(dst + 12 + n, 0, 4);
    return 16 + n;
}
