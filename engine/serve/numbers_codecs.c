/* The lists of codecs in NUMBERS.yaml: of the whole file, of the trunk and of an agent. */
#include "serve/numbers_inner.h"

void numbers_read_codecs(struct numbers_reader *r, const char *where, const yaml_node_t *n,
                         void *place)
{
    struct sdp_codecs *out = place;

    if (!numbers_is_sequence(r, where, n))
        return;
    for (const yaml_node_item_t *i = n->data.sequence.items.start;
         i < n->data.sequence.items.top && !r->file.failed; i++) {
        const yaml_node_t *item = yaml_file_node(&r->file, *i);
        const char *word = numbers_text(r, where, item);
        enum err err = word ? sdp_codecs_add(out, slice_trim(slice_cstr(word))) : OK;

        if (err == ERR_EXISTS)
            numbers_fail(r, item, "%s: '%.40s' stands there twice", where, word);
        else if (err)
            numbers_fail(r, item,
                         "%s: '%.40s' is not accepted; accepted: " SDP_CODEC_WORDS
                         ", the preferred one first",
                         where, word);
    }
}
