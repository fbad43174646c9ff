/// Everything that needs only the standard library and threads.
#pragma once

#include <tidings/core/bus.hpp>
#include <tidings/core/context.hpp>
#include <tidings/core/delivery.hpp>
#include <tidings/core/event.hpp>
#include <tidings/core/event_id.hpp>
#include <tidings/core/handler_error.hpp>
#include <tidings/core/lineage.hpp>
#include <tidings/core/listener.hpp>
#include <tidings/core/mailbox.hpp>
#include <tidings/core/publish.hpp>
#include <tidings/core/stats.hpp>
#include <tidings/core/subscription.hpp>
#include <tidings/core/timer.hpp>
#include <tidings/core/with_context.hpp>
#include <tidings/executor/executor.hpp>
#include <tidings/executor/inline_executor.hpp>
#include <tidings/executor/manual_executor.hpp>
#include <tidings/executor/thread_pool.hpp>
