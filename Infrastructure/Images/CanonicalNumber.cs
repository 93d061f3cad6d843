using System.Globalization;

namespace Profiles.Infrastructure.Images;

/// <summary>
/// Accepts a number in a path in one spelling only: digits without leading zeros. Routing itself reads <c>+1</c>, <c>01</c> and <c>1%20</c>
/// as 1.
/// </summary>
sealed class CanonicalNumber : IRouteConstraint
{
    public const string Name = "canonical";

    public bool Match(
        HttpContext? httpContext, IRouter? route, string routeKey, RouteValueDictionary values, RouteDirection routeDirection) =>
        Convert.ToString(values[routeKey], CultureInfo.InvariantCulture) is { } text
            && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && number.ToString(CultureInfo.InvariantCulture) == text;
}
