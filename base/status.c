// SPDX-License-Identifier: Apache-2.0
//
// Names and texts of the status codes, made from the one list.
#include "base/status.h"

const char *act_rc_name(act_rc rc) {
  switch (rc) {
#define ACT_STATUS_NAME_(name, value, text) \
  case name: return #name;
    ACT_STATUS_LIST(ACT_STATUS_NAME_)
#undef ACT_STATUS_NAME_
  }
  return "ACT_E?";
}

const char *act_rc_text(act_rc rc) {
  switch (rc) {
#define ACT_STATUS_TEXT_(name, value, text) \
  case name: return text;
    ACT_STATUS_LIST(ACT_STATUS_TEXT_)
#undef ACT_STATUS_TEXT_
  }
  return "not a status code";
}
