// libcurl, with one documented shim for each kind of variadic argument: Swift cannot call variadic C functions.
#ifndef LOADS_CCURL_H
#define LOADS_CCURL_H

#include <curl/curl.h>
#include <sys/socket.h>

/// `curl_easy_setopt` with a number or a flag.
static inline CURLcode loads_easy_set_long(CURL *easy, CURLoption option, long value) {
    return curl_easy_setopt(easy, option, value);
}

/// `curl_easy_setopt` with a size.
static inline CURLcode loads_easy_set_size(CURL *easy, CURLoption option, curl_off_t value) {
    return curl_easy_setopt(easy, option, value);
}

/// `curl_easy_setopt` with a string, which libcurl copies. NULL takes the option back.
static inline CURLcode loads_easy_set_string(CURL *easy, CURLoption option, const char *value) {
    return curl_easy_setopt(easy, option, value);
}

/// `curl_easy_setopt` with a pointer that must outlive its use: user data, an error buffer.
static inline CURLcode loads_easy_set_pointer(CURL *easy, CURLoption option, void *value) {
    return curl_easy_setopt(easy, option, value);
}

/// `curl_easy_setopt` with a list, which must outlive the transfer.
static inline CURLcode loads_easy_set_list(CURL *easy, CURLoption option, struct curl_slist *value) {
    return curl_easy_setopt(easy, option, value);
}

/// `curl_easy_setopt` with a function that takes or gives bytes.
typedef size_t (*loads_data_function)(char *bytes, size_t size, size_t count, void *user);
static inline CURLcode loads_easy_set_data_function(CURL *easy, CURLoption option, loads_data_function function) {
    return curl_easy_setopt(easy, option, function);
}

/// `CURLOPT_SEEKFUNCTION`.
typedef int (*loads_seek_function)(void *user, curl_off_t offset, int origin);
static inline CURLcode loads_easy_set_seek_function(CURL *easy, loads_seek_function function) {
    return curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, function);
}

/// Sockets that a child process does not inherit: libcurl 7.88 opens them without `SOCK_CLOEXEC`, so a program that a
/// test starts would keep its connections open after they are closed here.
static inline curl_socket_t loads_open_socket(void *user, curlsocktype purpose, struct curl_sockaddr *address) {
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}
static inline CURLcode loads_easy_set_private_sockets(CURL *easy) {
    return curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, loads_open_socket);
}

/// `CURLOPT_CLOSESOCKETFUNCTION`.
typedef int (*loads_close_function)(void *user, curl_socket_t descriptor);
static inline CURLcode loads_easy_set_close_function(CURL *easy, loads_close_function function) {
    return curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, function);
}

/// `curl_easy_getinfo` of a number.
static inline long loads_easy_get_long(CURL *easy, CURLINFO info) {
    long value = 0;
    curl_easy_getinfo(easy, info, &value);
    return value;
}

/// `curl_easy_getinfo` of a size, or a time in microseconds.
static inline curl_off_t loads_easy_get_size(CURL *easy, CURLINFO info) {
    curl_off_t value = 0;
    curl_easy_getinfo(easy, info, &value);
    return value;
}

/// `curl_easy_getinfo` of a string, which is libcurl's. NULL where there is none.
static inline const char *loads_easy_get_string(CURL *easy, CURLINFO info) {
    char *value = NULL;
    curl_easy_getinfo(easy, info, &value);
    return value;
}

/// `curl_easy_getinfo` of `CURLINFO_PRIVATE`.
static inline void *loads_easy_get_private(CURL *easy) {
    char *value = NULL;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &value);
    return value;
}

/// `CURLMOPT_SOCKETFUNCTION` and its data.
typedef int (*loads_socket_function)(CURL *easy, curl_socket_t descriptor, int what, void *user, void *socket);
static inline CURLMcode loads_multi_set_socket_function(CURLM *multi, loads_socket_function function, void *user) {
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, function);
    return curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, user);
}

/// `CURLMOPT_TIMERFUNCTION` and its data.
typedef int (*loads_timer_function)(CURLM *multi, long milliseconds, void *user);
static inline CURLMcode loads_multi_set_timer_function(CURLM *multi, loads_timer_function function, void *user) {
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, function);
    return curl_multi_setopt(multi, CURLMOPT_TIMERDATA, user);
}

/// `curl_multi_setopt` with a number.
static inline CURLMcode loads_multi_set_long(CURLM *multi, CURLMoption option, long value) {
    return curl_multi_setopt(multi, option, value);
}

#endif
