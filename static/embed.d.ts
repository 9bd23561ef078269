/**
 * Types of the element <cabinet-widget>, which the loader (embed.js) defines.
 *
 * Copy this file into a project that uses TypeScript. See docs/embedding.md for what frameworks need.
 */

export type CabinetWidgetName =
  | "balance"
  | "summary"
  | "open-trades"
  | "closed-trades"
  | "lots"
  | "bonus"
  | "logins"
  | "commissions"
  | "growth"
  | "returns"
  | "calendar"
  | "statistics"
  | "breakdown"
  | "operations"
  | "referrals";

/** The attributes of the element, as in HTML. */
export interface CabinetWidgetAttributes {
  /** The public name of the account. */
  account: string;
  /** What to show. */
  widget: CabinetWidgetName;
  /** A signed token, for a closed account. */
  token?: string;
  /** The minimum height in CSS pixels; without it, the exact height of the widget. */
  height?: string | number;
  /** The name that screen readers announce; without it, the name of the widget. */
  label?: string;
  /** When to load: at once, or (without it) when visitors scroll to the widget. */
  loading?: "eager" | "lazy";
  /** The address of the service; without it, the service that the script comes from. */
  service?: string;
  /** The colors; without it, those of the page. */
  theme?: "auto" | "light" | "dark";
  /** A surface of its own, or that of the page. */
  background?: "card" | "none";
  /** A color as six hexadecimal digits. */
  accent?: string;
  /** A language tag; without it, the language of the page. */
  lang?: string;
  /** The time zone in which times are written. */
  tz?: string;
  /** Whether the heading is shown. */
  title?: "0" | "1";
  /** Seconds between updates, at least 10. */
  refresh?: string | number;
  /** The number of rows of a table, 1 to 100. */
  rows?: string | number;
  /** The page of a table, 1 to 1000. */
  page?: string | number;
  /** The period that the figures are from. */
  period?: "today" | "7d" | "30d" | "90d" | "month" | "year" | "all";
  /** The first day of a period, such as 2026-11-01. */
  from?: string;
  /** The last day of a period. */
  to?: string;
  /** Whether visitors can switch between periods. */
  switch?: "0" | "1";
  /** The month of a calendar, such as 2026-11. */
  month?: string;
  /** One row per symbol. */
  group?: "symbol";
  /** What a breakdown compares. */
  by?: "symbol" | "side" | "weekday" | "hour";
}

export type CabinetWidgetEvent = CustomEvent<{ height?: number; code?: string }>;

declare global {
  interface HTMLElementTagNameMap {
    "cabinet-widget": HTMLElement;
  }

  // The events bubble: elements, the document and the window have them.
  interface GlobalEventHandlersEventMap {
    /** The widget displays its figures. */
    "cabinet-widget:load": CabinetWidgetEvent;
    /** Its height has changed; detail.height is the new one. */
    "cabinet-widget:resize": CabinetWidgetEvent;
    /** Its token is about to expire: set a new one. */
    "cabinet-widget:expired": CabinetWidgetEvent;
    /** It displays an error, or the browser shows nothing; detail.code says which error. */
    "cabinet-widget:error": CabinetWidgetEvent;
  }
}
