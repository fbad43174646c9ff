/// What each file of benchmarks adds to the list.
#pragma once

void register_publish();
void register_publish_variants();
void register_publishers();
void register_event_types();
void register_subscribe();
void register_lifetimes();
void register_topics();
