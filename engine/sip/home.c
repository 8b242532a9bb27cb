/* The addresses of a user agent, its homes: the first is what most have; further ones are of
 * another family (dual stack) or of another interface. A path names its home; one whose home is of
 * another family than where it goes leaves by the first home that fits, so that callers who know of
 * one address need not care. What we say of ourselves (Via, Contact, Call-ID) is that home's. */
#include "sip/core.h"

static void name_home(struct sip_home *h, const struct sip_home_config *c)
{
    const struct addr *told = addr_is_set(&c->advertised) ? &c->advertised : &c->local;
    struct addr named = *told, secure;

    if (!addr_port(&named)) /* an advertised host without a port: as we listen */
        addr_set_port(&named, addr_port(&c->local));
    secure = named;
    h->local = c->local;
    addr_format(&named, h->host, sizeof h->host);
    addr_format_host(&named, h->domain, sizeof h->domain);
    h->sent_by = slice_cstr(h->host);
    if (addr_is_set(&c->tls_local))
        addr_set_port(&secure, addr_port(&c->tls_local));
    addr_format(&secure, h->tls_host, sizeof h->tls_host);
}

static bool tells_where(const struct sip_home_config *c)
{
    return !addr_is_any(&c->local) || addr_is_set(&c->advertised);
}

enum err sip_homes_init(struct sip_ua *ua, const struct sip_ua_config *config)
{
    struct sip_home_config first = {config->local, config->advertised, config->tls_local};
    bool clear = tells_where(&first);

    if (config->more_count >= SIP_HOMES_MAX)
        return ERR_INVALID;
    for (uint32_t i = 0; i < config->more_count; i++)
        clear = clear && tells_where(&config->more[i]);
    if (!clear) {
        log_error("sip",
                  "listening on every address needs the one to tell peers: set `advertise`, or "
                  "listen on one address",
                  "%s", "");
        return ERR_INVALID;
    }
    name_home(&ua->homes[0], &first);
    for (uint32_t i = 0; i < config->more_count; i++)
        name_home(&ua->homes[i + 1], &config->more[i]);
    ua->nhomes = (uint8_t)(config->more_count + 1);
    return OK;
}

static uint16_t family(const struct addr *a)
{
    return a->sa.sa_family;
}

uint8_t sip_home_index(const struct sip_ua *ua, const struct sip_path *way)
{
    uint8_t named = way->home < ua->nhomes ? way->home : 0;

    if (!addr_is_set(&way->addr) || family(&ua->homes[named].local) == family(&way->addr))
        return named;
    for (uint8_t i = 0; i < ua->nhomes; i++)
        if (family(&ua->homes[i].local) == family(&way->addr))
            return i;
    return named;
}

const struct sip_home *sip_home_of(const struct sip_ua *ua, const struct sip_path *way)
{
    return &ua->homes[sip_home_index(ua, way)];
}

struct slice sip_home_name(const struct sip_ua *ua, const struct sip_path *way)
{
    const struct sip_home *h = sip_home_of(ua, way);

    return way->tls ? slice_cstr(h->tls_host) : h->sent_by;
}

const struct addr *sip_ua_home(const struct sip_ua *ua, uint8_t home)
{
    return home < ua->nhomes ? &ua->homes[home].local : NULL;
}

uint8_t sip_ua_home_for(const struct sip_ua *ua, const struct sip_path *way)
{
    return sip_home_index(ua, way);
}

const char *sip_ua_host(const struct sip_ua *ua, const struct sip_path *way)
{
    return sip_home_of(ua, way)->host;
}
