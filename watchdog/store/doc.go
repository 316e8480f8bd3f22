// Package store keeps what outlives a process: incidents, receipts, blocks of
// watermarks, restarts and the last good rule files. SQLite is a node's own
// file and all that one node needs.
//
// What people are paged for is durable before it is answered or sent: a Save
// that returned nil survives a kill -9 and a power cut. A Save that failed may be
// repeated as it is; all of them say what is, none of them adds.
//
// A damaged file never stops the watch. What can be told apart (one block, one
// row) is left out and counted; a file that cannot be read at all is moved aside
// and an empty one takes its place. Either is said in Notice, for people.
//
// A Save counts only where the next start finds it: a file that was removed or
// moved while it is open is written again, whole, before a Save returns nil.
//
// On a full disk a megabyte that was set aside beside the file keeps incidents and
// receipts durable for some hundred changes; watermarks wait.
package store
