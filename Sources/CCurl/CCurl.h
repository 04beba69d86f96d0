// libcurl, with one documented shim for each kind of variadic argument: Swift cannot call variadic C functions.
#ifndef LOADS_CCURL_H
#define LOADS_CCURL_H

#include <curl/curl.h>

static inline CURLcode loads_easy_set_long(CURL *easy, CURLoption option, long value) {
    return curl_easy_setopt(easy, option, value);
}

#endif
