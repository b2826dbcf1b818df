/** Names of well-known symbols, so that a demo reads well. */
export const WELL_KNOWN: Record<string, string> = {
  AAPL: 'Apple', ABBV: 'AbbVie', ABNB: 'Airbnb', ADBE: 'Adobe', AMD: 'Advanced Micro Devices', AMZN: 'Amazon.com',
  AVGO: 'Broadcom', AXP: 'American Express', BA: 'Boeing', BAC: 'Bank of America', 'BRK.A': 'Berkshire Hathaway A',
  'BRK.B': 'Berkshire Hathaway B', 'BTC/USD': 'Bitcoin / US Dollar', C: 'Citigroup', CAT: 'Caterpillar',
  COIN: 'Coinbase', COST: 'Costco', CRM: 'Salesforce', CSCO: 'Cisco Systems', CVX: 'Chevron', DIA: 'SPDR Dow Jones ETF',
  DIS: 'Walt Disney', 'ETH/USD': 'Ether / US Dollar', F: 'Ford Motor', GE: 'GE Aerospace', GM: 'General Motors',
  GOOG: 'Alphabet C', GOOGL: 'Alphabet A', GS: 'Goldman Sachs', HD: 'Home Depot', IBM: 'IBM', INTC: 'Intel',
  IWM: 'iShares Russell 2000 ETF', JNJ: 'Johnson & Johnson', JPM: 'JPMorgan Chase', KO: 'Coca-Cola', LLY: 'Eli Lilly',
  MA: 'Mastercard', MCD: "McDonald's", META: 'Meta Platforms', MRK: 'Merck', MS: 'Morgan Stanley', MSFT: 'Microsoft',
  NFLX: 'Netflix', NKE: 'Nike', NVDA: 'NVIDIA', ORCL: 'Oracle', PEP: 'PepsiCo', PFE: 'Pfizer', PG: 'Procter & Gamble',
  PLTR: 'Palantir', PYPL: 'PayPal', QCOM: 'Qualcomm', QQQ: 'Invesco QQQ ETF', SBUX: 'Starbucks', SHOP: 'Shopify',
  SPY: 'SPDR S&P 500 ETF', T: 'AT&T', TSLA: 'Tesla', TSM: 'TSMC', UBER: 'Uber', UNH: 'UnitedHealth', V: 'Visa',
  VZ: 'Verizon', WFC: 'Wells Fargo', WMT: 'Walmart', XOM: 'Exxon Mobil', 'XMR/USD': 'Monero / US Dollar',
};
