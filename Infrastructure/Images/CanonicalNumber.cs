using System.Globalization;

namespace Profiles.Infrastructure.Images;

/// <summary>Lets a number in a path be written one way: digits, none of them needless. Routing itself would take <c>+1</c>, <c>01</c> and <c>1%20</c> for 1.</summary>
sealed class CanonicalNumber : IRouteConstraint
{
    public const string Name = "canonical";

    public bool Match(HttpContext? httpContext, IRouter? route, string routeKey, RouteValueDictionary values, RouteDirection routeDirection) =>
        Convert.ToString(values[routeKey], CultureInfo.InvariantCulture) is { } text
            && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number.ToString(CultureInfo.InvariantCulture) == text;
}
