//! Properties of contacts, companies, deals, tickets and what is sold.

use super::fields::Shape::{
    Date, Email, Flag, Line, Moment, Number, Paragraph, Phone, Pipeline, Stage,
};
use super::fields::{Field, choice, choices, field};

type Options = &'static [(&'static str, &'static str)];

const LIFECYCLE: Options = &[
    ("subscriber", "Subscriber"),
    ("lead", "Lead"),
    ("marketingqualifiedlead", "Marketing Qualified Lead"),
    ("salesqualifiedlead", "Sales Qualified Lead"),
    ("opportunity", "Opportunity"),
    ("customer", "Customer"),
    ("evangelist", "Evangelist"),
    ("other", "Other"),
];

const LEAD_STATUS: Options = &[
    ("NEW", "New"),
    ("OPEN", "Open"),
    ("IN_PROGRESS", "In Progress"),
    ("OPEN_DEAL", "Open Deal"),
    ("UNQUALIFIED", "Unqualified"),
    ("ATTEMPTED_TO_CONTACT", "Attempted to Contact"),
    ("CONNECTED", "Connected"),
    ("BAD_TIMING", "Bad Timing"),
];

const PRIORITY: Options = &[("LOW", "Low"), ("MEDIUM", "Medium"), ("HIGH", "High")];

const TICKET_PRIORITY: Options = &[
    ("LOW", "Low"),
    ("MEDIUM", "Medium"),
    ("HIGH", "High"),
    ("URGENT", "Urgent"),
];

pub(super) static CONTACT: &[Field] = &[
    field("email", "Email", Email).unique(),
    field("firstname", "First Name", Line),
    field("lastname", "Last Name", Line),
    field("phone", "Phone Number", Phone),
    field("mobilephone", "Mobile Phone Number", Phone),
    field("company", "Company Name", Line),
    field("jobtitle", "Job Title", Line),
    field("website", "Website URL", Line),
    field("address", "Street Address", Line),
    field("city", "City", Line),
    field("state", "State/Region", Line),
    field("zip", "Postal Code", Line),
    field("country", "Country/Region", Line),
    field("industry", "Industry", Line),
    field("annualrevenue", "Annual Revenue", Line),
    field("numemployees", "Number of Employees", Line),
    field("message", "Message", Paragraph),
    field("salutation", "Salutation", Line),
    field("date_of_birth", "Date of birth", Line),
    field("hs_language", "Preferred language", Line),
    field("hs_timezone", "Time Zone", Line),
    choice("lifecyclestage", "Lifecycle Stage", LIFECYCLE),
    choice("hs_lead_status", "Lead Status", LEAD_STATUS),
    choices(
        "hs_buying_role",
        "Buying Role",
        &[
            ("BLOCKER", "Blocker"),
            ("BUDGET_HOLDER", "Budget Holder"),
            ("CHAMPION", "Champion"),
            ("DECISION_MAKER", "Decision Maker"),
            ("END_USER", "End User"),
            ("INFLUENCER", "Influencer"),
            ("OTHER", "Other"),
        ],
    ),
    choice(
        "hs_marketable_status",
        "Marketing contact status",
        &[
            ("true", "Marketing contact"),
            ("false", "Non-marketing contact"),
        ],
    )
    .read_only(),
    field("closedate", "Close Date", Moment),
    field(
        "associatedcompanyid",
        "Primary Associated Company ID",
        Number,
    )
    .read_only(),
    field("hs_full_name_or_email", "Full name or email", Line).read_only(),
    field("createdate", "Create Date", Moment).read_only(),
    field("lastmodifieddate", "Last Modified Date", Moment).read_only(),
];

pub(super) static COMPANY: &[Field] = &[
    field("name", "Company name", Line),
    field("domain", "Company Domain Name", Line),
    field("website", "Website URL", Line),
    field("phone", "Phone Number", Phone),
    field("description", "Description", Paragraph),
    field("about_us", "About Us", Paragraph),
    field("address", "Street Address", Line),
    field("address2", "Street Address 2", Line),
    field("city", "City", Line),
    field("state", "State/Region", Line),
    field("zip", "Postal Code", Line),
    field("country", "Country/Region", Line),
    field("timezone", "Time Zone", Line),
    field("founded_year", "Year Founded", Line),
    field("numberofemployees", "Number of Employees", Number),
    field("annualrevenue", "Annual Revenue", Number),
    field("is_public", "Is Public", Flag),
    field("linkedin_company_page", "LinkedIn Company Page", Line),
    choice("lifecyclestage", "Lifecycle Stage", LIFECYCLE),
    choice("hs_lead_status", "Lead Status", LEAD_STATUS),
    choice(
        "type",
        "Type",
        &[
            ("PROSPECT", "Prospect"),
            ("PARTNER", "Partner"),
            ("RESELLER", "Reseller"),
            ("VENDOR", "Vendor"),
            ("OTHER", "Other"),
        ],
    ),
    choice(
        "industry",
        "Industry",
        &[
            ("ACCOUNTING", "Accounting"),
            ("AIRLINES_AVIATION", "Airlines/Aviation"),
            ("ARCHITECTURE_PLANNING", "Architecture & Planning"),
            ("COMPUTER_SOFTWARE", "Computer Software"),
            ("CONSTRUCTION", "Construction"),
            ("CONSUMER_GOODS", "Consumer Goods"),
            ("EDUCATION_MANAGEMENT", "Education Management"),
            ("EVENTS_SERVICES", "Events Services"),
            ("FINANCIAL_SERVICES", "Financial Services"),
            ("FOOD_BEVERAGES", "Food & Beverages"),
            ("FURNITURE", "Furniture"),
            ("HOSPITAL_HEALTH_CARE", "Hospital & Health Care"),
            ("HOSPITALITY", "Hospitality"),
            (
                "INFORMATION_TECHNOLOGY_AND_SERVICES",
                "Information Technology and Services",
            ),
            ("LOGISTICS_AND_SUPPLY_CHAIN", "Logistics and Supply Chain"),
            ("MARITIME", "Maritime"),
            ("MARKETING_AND_ADVERTISING", "Marketing and Advertising"),
            ("MUSEUMS_AND_INSTITUTIONS", "Museums and Institutions"),
            ("REAL_ESTATE", "Real Estate"),
            ("RESTAURANTS", "Restaurants"),
            ("RETAIL", "Retail"),
            ("WHOLESALE", "Wholesale"),
        ],
    ),
    field("closedate", "Close Date", Moment),
    field("createdate", "Create Date", Moment).read_only(),
];

pub(super) static DEAL: &[Field] = &[
    field("dealname", "Deal Name", Line),
    field("amount", "Amount", Number),
    field("pipeline", "Pipeline", Pipeline),
    field("dealstage", "Deal Stage", Stage),
    field("closedate", "Close Date", Moment),
    field("description", "Deal Description", Paragraph),
    choice(
        "dealtype",
        "Deal Type",
        &[
            ("newbusiness", "New Business"),
            ("existingbusiness", "Existing Business"),
        ],
    ),
    choice(
        "hs_priority",
        "Priority",
        &[("low", "Low"), ("medium", "Medium"), ("high", "High")],
    ),
    field("hs_next_step", "Next step", Line),
    field("deal_currency_code", "Currency", Line),
    field("closed_lost_reason", "Closed Lost Reason", Paragraph),
    field("closed_won_reason", "Closed Won Reason", Paragraph),
    field("hs_is_closed", "Is Deal Closed?", Flag).read_only(),
    field("hs_is_closed_won", "Is Closed Won", Flag).read_only(),
    field("hs_deal_stage_probability", "Deal probability", Number).read_only(),
    field(
        "amount_in_home_currency",
        "Amount in company currency",
        Number,
    )
    .read_only(),
    field("createdate", "Create Date", Moment),
];

pub(super) static TICKET: &[Field] = &[
    field("subject", "Ticket name", Line),
    field("content", "Ticket description", Paragraph),
    field("hs_pipeline", "Pipeline", Pipeline),
    field("hs_pipeline_stage", "Ticket status", Stage),
    choice("hs_ticket_priority", "Priority", TICKET_PRIORITY),
    choices(
        "hs_ticket_category",
        "Category",
        &[
            ("PRODUCT_ISSUE", "Product Issue"),
            ("BILLING_ISSUE", "Billing Issue"),
            ("FEATURE_REQUEST", "Feature Request"),
            ("GENERAL_INQUIRY", "General Inquiry"),
        ],
    ),
    choice(
        "source_type",
        "Source",
        &[
            ("CHAT", "Chat"),
            ("EMAIL", "Email"),
            ("FORM", "Form"),
            ("PHONE", "Phone"),
        ],
    ),
    choice(
        "hs_resolution",
        "Resolution",
        &[
            ("ISSUE_FIXED", "Issue fixed"),
            ("WONT_FIX", "Won't fix"),
            ("OTHER", "Other"),
        ],
    ),
    field("closed_date", "Close date", Moment).read_only(),
    field("createdate", "Create date", Moment).read_only(),
];

pub(super) static PRODUCT: &[Field] = &[
    field("name", "Name", Line),
    field("description", "Product description", Paragraph),
    field("price", "Unit price", Number),
    field("hs_sku", "SKU", Line),
    field("hs_cost_of_goods_sold", "Unit cost", Number),
    field("hs_url", "URL", Line),
    field("createdate", "Create Date", Moment).read_only(),
];

pub(super) static LINE_ITEM: &[Field] = &[
    field("name", "Name", Line),
    field("description", "Description", Paragraph),
    field("quantity", "Quantity", Number),
    field("price", "Unit Price", Number),
    field("amount", "Net Price", Number),
    field("discount", "Unit Discount", Number),
    field("hs_sku", "SKU", Line),
    field("hs_product_id", "Product ID", Number),
    field("createdate", "Create Date", Moment).read_only(),
];

pub(super) static QUOTE: &[Field] = &[
    field("hs_title", "Quote Title", Line),
    field("hs_expiration_date", "Expiration Date", Date),
    choice(
        "hs_status",
        "Quote Status",
        &[
            ("DRAFT", "Draft"),
            ("APPROVAL_NOT_NEEDED", "No approval needed"),
            ("PENDING_APPROVAL", "Pending Approval"),
            ("APPROVED", "Approved"),
            ("REJECTED", "Rejected"),
        ],
    ),
    field("hs_language", "Language", Line),
    field("hs_comments", "Comments to buyer", Paragraph),
    field("hs_terms", "Purchase terms", Paragraph),
];

pub(super) static LEAD: &[Field] = &[
    field("hs_lead_name", "Lead Name", Line),
    choice(
        "hs_lead_type",
        "Lead Type",
        &[
            ("NEW_BUSINESS", "New Business"),
            ("RE_ATTEMPTING", "Re-Attempting"),
            ("UPSELL", "Upsell"),
        ],
    ),
    choice(
        "hs_lead_label",
        "Lead Label",
        &[("HOT", "Hot"), ("WARM", "Warm"), ("COLD", "Cold")],
    ),
    choice("hs_lead_priority", "Priority", PRIORITY),
    field("hs_pipeline", "Lead Pipeline", Pipeline),
    field("hs_pipeline_stage", "Lead Pipeline Stage", Stage),
];
