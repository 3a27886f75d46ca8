namespace Weir.Host;

/// <summary>
/// While the server starts, the hosting layer and Kestrel log the exception that ends the start, with its stack trace; <see cref="Server"/>
/// reports the same in one line. So their errors are not written until the start has succeeded. All rules of the configuration are kept.
/// </summary>
internal sealed class StartFailures
{
    private static readonly string[] _categories = ["Microsoft.Extensions.Hosting.Internal.Host", "Microsoft.AspNetCore.Server.Kestrel"];

    private volatile bool _hasStarted;

    /// <summary>Adds the rule to all that there are.</summary>
    public static void AddTo(WebApplicationBuilder builder)
    {
        StartFailures start = new();
        builder.Services.AddSingleton(start);
        builder.Services.PostConfigure<LoggerFilterOptions>(start.Restrict);
    }

    /// <summary>Ends the rule: the start has succeeded.</summary>
    public void OnStarted() => _hasStarted = true;

    private void Restrict(LoggerFilterOptions options)
    {
        if (!options.Rules.Any(static rule => rule is { ProviderName: null, CategoryName: null }))
        {
            options.Rules.Add(new LoggerFilterRule(null, null, options.MinLevel, filter: null));
        }

        for (int i = 0; i < options.Rules.Count; i++)
        {
            LoggerFilterRule rule = options.Rules[i];
            options.Rules[i] = new LoggerFilterRule(
                rule.ProviderName, rule.CategoryName, rule.LogLevel,
                (provider, category, level)
                    => (rule.Filter?.Invoke(provider, category, level) ?? true)
                        && (_hasStarted || level < LogLevel.Error || !_categories.Contains(category)));
        }
    }
}
