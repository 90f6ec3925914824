/* Each function of libcurl by its name, and a call of it. */
#include "CCurl.h"
#include <dlfcn.h>
#include <stddef.h>

/* The name that libcurl's interface has had since 2006. */
static const char library[] = "libcurl.so.4";

/* One pointer for each function, of its own type. */
#define FUNCTIONS(EACH)                                                                            \
    EACH(easy_init) EACH(easy_reset) EACH(easy_cleanup) EACH(easy_setopt) EACH(easy_getinfo)       \
    EACH(slist_append) EACH(slist_free_all) EACH(multi_init) EACH(multi_cleanup)                   \
    EACH(multi_setopt) EACH(multi_add_handle) EACH(multi_remove_handle) EACH(multi_perform)        \
    EACH(multi_poll) EACH(multi_wakeup) EACH(multi_info_read) EACH(global_init)

static struct {
#define POINTER(NAME) __typeof__(curl_##NAME) *NAME;
    FUNCTIONS(POINTER)
} curl;

int wax_curl_load(void) {
    void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (!handle)
        return 0;
#define FIND(NAME)                                                                                 \
    *(void **)&curl.NAME = dlsym(handle, "curl_" #NAME);                                           \
    if (!curl.NAME)                                                                                \
        return 0;
    FUNCTIONS(FIND)
    return curl.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

CURL *wax_curl_easy_init(void) { return curl.easy_init(); }
void wax_curl_easy_reset(CURL *easy) { curl.easy_reset(easy); }
void wax_curl_easy_cleanup(CURL *easy) { curl.easy_cleanup(easy); }

CURLcode wax_curl_set_long(CURL *easy, CURLoption option, long value) {
    return curl.easy_setopt(easy, option, value);
}

CURLcode wax_curl_set_string(CURL *easy, CURLoption option, const char *value) {
    return curl.easy_setopt(easy, option, value);
}

CURLcode wax_curl_set_list(CURL *easy, CURLoption option, struct curl_slist *value) {
    return curl.easy_setopt(easy, option, value);
}

CURLcode wax_curl_set_callback(CURL *easy, CURLoption option, curl_write_callback value) {
    return curl.easy_setopt(easy, option, value);
}

CURLcode wax_curl_set_pointer(CURL *easy, CURLoption option, void *value) {
    return curl.easy_setopt(easy, option, value);
}

long wax_curl_get_long(CURL *easy, CURLINFO info) {
    long value = 0;
    return curl.easy_getinfo(easy, info, &value) == CURLE_OK ? value : 0;
}

const char *wax_curl_get_string(CURL *easy, CURLINFO info) {
    char *value = NULL;
    return curl.easy_getinfo(easy, info, &value) == CURLE_OK ? value : NULL;
}

struct curl_slist *wax_curl_list_append(struct curl_slist *list, const char *text) {
    return curl.slist_append(list, text);
}
void wax_curl_list_free(struct curl_slist *list) { curl.slist_free_all(list); }

CURLM *wax_curl_multi_init(void) { return curl.multi_init(); }
CURLMcode wax_curl_multi_cleanup(CURLM *multi) { return curl.multi_cleanup(multi); }

CURLMcode wax_curl_multi_set_long(CURLM *multi, CURLMoption option, long value) {
    return curl.multi_setopt(multi, option, value);
}

CURLMcode wax_curl_multi_add_handle(CURLM *multi, CURL *easy) {
    return curl.multi_add_handle(multi, easy);
}

CURLMcode wax_curl_multi_remove_handle(CURLM *multi, CURL *easy) {
    return curl.multi_remove_handle(multi, easy);
}

CURLMcode wax_curl_multi_perform(CURLM *multi, int *running) {
    return curl.multi_perform(multi, running);
}

CURLMcode wax_curl_multi_poll(CURLM *multi, int milliseconds) {
    return curl.multi_poll(multi, NULL, 0, milliseconds, NULL);
}

CURLMcode wax_curl_multi_wakeup(CURLM *multi) { return curl.multi_wakeup(multi); }

CURLMsg *wax_curl_multi_info_read(CURLM *multi, int *left) {
    return curl.multi_info_read(multi, left);
}
