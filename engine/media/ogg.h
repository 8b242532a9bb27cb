/* Pages of Ogg (RFC 3533) and the headers of Opus in it (RFC 7845), written into memory. A logical
 * stream, one page at a time; packets are never split over pages. No allocation. */
#ifndef PEAL_MEDIA_OGG_H
#define PEAL_MEDIA_OGG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OGG_SEGMENTS_MAX  255
#define OGG_PAYLOAD_MAX   (OGG_SEGMENTS_MAX * 255)
#define OGG_PAGE_MAX      (27 + OGG_SEGMENTS_MAX + OGG_PAYLOAD_MAX)
#define OGG_OPUS_HEAD_MAX 32
#define OGG_OPUS_TAGS_MAX 64

struct ogg {
    uint32_t serial, sequence;
    uint32_t segments, payload;
    uint8_t lacing[OGG_SEGMENTS_MAX];
    uint8_t body[OGG_PAYLOAD_MAX];
};

void ogg_init(struct ogg *o, uint32_t serial);
/* Adds a packet to the present page; false: no room, write the page first. */
bool ogg_add(struct ogg *o, const uint8_t *packet, uint32_t n);
static inline bool ogg_is_empty(const struct ogg *o)
{
    return o->segments == 0;
}
/* Writes the page to dst (OGG_PAGE_MAX) and begins the next; its length in bytes. granule: of the
 * last packet that ends on it. */
uint32_t ogg_page(struct ogg *o, uint64_t granule, bool last, uint8_t *dst);

/* Identification header: channels 1, or 2 as two streams of one channel each (family 1), so that
 * no encoder mixes them. Returns its length. */
uint32_t ogg_opus_head(uint8_t dst[OGG_OPUS_HEAD_MAX], uint32_t channels, uint32_t skip_48k,
                       uint32_t input_rate_hz);
uint32_t ogg_opus_tags(uint8_t dst[OGG_OPUS_TAGS_MAX], const char *vendor);

uint32_t ogg_crc(uint32_t crc, const uint8_t *p, size_t n);

#endif
