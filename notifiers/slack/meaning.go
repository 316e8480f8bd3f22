package slack

import "github.com/feedwatch/feedwatch/watchdog/delivery"

// meaning is the class of one of Slack's errors, and what to do about it.
func meaning(code string) (delivery.Class, string) {
	switch code {
	case "ratelimited", "rate_limited":
		return delivery.RateLimited, "too fast for Slack"
	case "internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org":
		return delivery.Ambiguous, "Slack itself has trouble"
	case "message_not_found", "thread_not_found", "cant_update_message", "edit_window_closed", "cannot_reply_to_message":
		return delivery.LostTarget, "the message was deleted or can no longer be edited; a new one will be posted"
	}
	if advice, ok := badPayload(code); ok {
		return delivery.BadPayload, advice
	}
	return delivery.Refused, refused(code)
}

func badPayload(code string) (string, bool) {
	switch code {
	case "invalid_blocks", "invalid_blocks_format", "msg_too_long", "msg_blocks_too_long", "no_text", "too_many_attachments",
		"invalid_arguments", "invalid_arg_name", "invalid_array_arg", "invalid_charset", "invalid_form_data", "invalid_post_type",
		"missing_post_type", "invalid_json", "json_not_object", "invalid_metadata_format", "invalid_metadata_schema",
		"metadata_too_large", "metadata_must_be_sent_from_app", "markdown_text_conflict", "attachment_payload_limit_exceeded":
		return "Slack does not take the message in this form", true
	default:
		return "", false
	}
}

// refused is what a person must do before Slack takes anything again.
func refused(code string) string {
	switch code {
	case "invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive":
		return "the token is not valid (any more); reinstall the app and put its bot token (xoxb-...) into the configuration"
	case "missing_scope", "no_permission", "not_allowed_token_type":
		return "the app lacks a scope; it needs chat:write and channels:history (groups:history for a private channel), then reinstall it"
	case "channel_not_found":
		return "no such channel for this bot; check the channel's ID, and invite the bot if the channel is private"
	case "not_in_channel":
		return "the bot is not in the channel; type /invite @feedwatch there"
	case "is_archived":
		return "the channel is archived; unarchive it or configure another"
	case "restricted_action", "restricted_action_read_only_channel", "restricted_action_thread_only_channel",
		"restricted_action_non_threadable_channel", "restricted_action_thread_locked":
		return "the workspace does not let the bot post there; change the channel's posting permissions or configure another"
	case "ekm_access_denied", "org_login_required", "access_denied", "accesslimited", "team_access_not_granted", "two_factor_setup_required":
		return "the workspace's administrators do not let the app in; ask them to approve it"
	case "message_limit_exceeded":
		return "the workspace has used up its messages; its plan must change"
	default:
		return "look it up at https://docs.slack.dev/reference/methods/chat.postMessage"
	}
}
