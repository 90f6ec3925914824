/* CCurl: libcurl, loaded when it is first asked for. Linked, it and the thirty libraries behind it
   (LDAP, Kerberos, a second TLS, …) would take 3 MB and 5 ms of every Waxwing, most of which never
   talk to a Vault. Swift cannot call variadic functions, so there is one for each kind of argument.
   The functions are those of <curl/curl.h>, and may be called after wax_curl_load has succeeded. */
#ifndef WAXWING_CCURL_H
#define WAXWING_CCURL_H

#define CURL_DISABLE_TYPECHECK 1
#include <curl/curl.h>

/* Loads libcurl and initialises it. To be called once. Returns 1, or 0 when it is not there, lacks
   one of the functions, or fails. */
int wax_curl_load(void);

CURL *wax_curl_easy_init(void);
void wax_curl_easy_reset(CURL *easy);
void wax_curl_easy_cleanup(CURL *easy);
CURLcode wax_curl_set_long(CURL *easy, CURLoption option, long value);
/* Copied by libcurl, but for CURLOPT_POSTFIELDS. */
CURLcode wax_curl_set_string(CURL *easy, CURLoption option, const char *value);
CURLcode wax_curl_set_list(CURL *easy, CURLoption option, struct curl_slist *value);
CURLcode wax_curl_set_callback(CURL *easy, CURLoption option, curl_write_callback value);
CURLcode wax_curl_set_pointer(CURL *easy, CURLoption option, void *value);
/* 0 when it is not known. */
long wax_curl_get_long(CURL *easy, CURLINFO info);
/* Owned by the handle; NULL when it is not known. */
const char *wax_curl_get_string(CURL *easy, CURLINFO info);

struct curl_slist *wax_curl_list_append(struct curl_slist *list, const char *text);
void wax_curl_list_free(struct curl_slist *list);

CURLM *wax_curl_multi_init(void);
CURLMcode wax_curl_multi_cleanup(CURLM *multi);
CURLMcode wax_curl_multi_set_long(CURLM *multi, CURLMoption option, long value);
CURLMcode wax_curl_multi_add_handle(CURLM *multi, CURL *easy);
CURLMcode wax_curl_multi_remove_handle(CURLM *multi, CURL *easy);
CURLMcode wax_curl_multi_perform(CURLM *multi, int *running);
/* Waits for its handles and for wax_curl_multi_wakeup. */
CURLMcode wax_curl_multi_poll(CURLM *multi, int milliseconds);
CURLMcode wax_curl_multi_wakeup(CURLM *multi);
CURLMsg *wax_curl_multi_info_read(CURLM *multi, int *left);

#endif
